"""What the READMEs of the scenarios must say, computed from the files that their own commands wrote.

Each function takes the `Results` of a README and yields phrases; each of them must stand in it.
"""

import json
import subprocess

import xarray


class Results:
    """The files in a scratch folder in which the commands of a README ran."""

    def __init__(self, folder, environment):
        self.folder, self.environment = folder, environment

    def nightwatt(self, *arguments):
        done = subprocess.run(["nightwatt", *arguments, "--json"], cwd=self.folder,
                              env=self.environment, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def compare(self, *names):
        """Each run against the first one."""
        return self.nightwatt("compare", *(f"{name}.h5" for name in names))["runs"]

    def jobs(self, name):
        with xarray.open_dataset(self.folder / f"{name}.h5", group="jobs") as jobs:
            return jobs.load()

    def carbon_of_jobs(self, *names):
        """kg of each run."""
        booked = [run["total"]["booked"]["jobs_carbon_g"] for run in self.compare(*names)]
        return [grams / 1000 for grams in (booked[0]["base"], *(b["run"] for b in booked))]


def percent(value, digits=1):
    """Of a ratio, without its sign."""
    return f"{abs(100 * value):.{digits}f} %"


def hours(seconds):
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def power_cap(results):
    total = results.compare("uncapped", "capped")[0]["total"]
    jobs, energy = total["jobs"], "facility_energy_j"
    yield f"saves {percent(total['booked']['jobs_facility_energy_j']['relative'])} of the energy that jobs draw"
    yield f"{percent(total['period'][energy]['relative'], 0)} of the site's energy in the four weeks"
    yield f"and {percent(total['horizon'][energy]['relative'])} up to the"
    yield f"({percent(total['horizon_fixed_share_0.5'][energy]['relative'])} if half of"
    peak = results.compare("uncapped", "capped")[0]["sites"][0]["peaks"]["peak_it_power_w"]
    yield f"Peak power falls by {percent(peak['relative'])}"
    wait = jobs["mean_wait_s"]
    yield f"from {hours(wait['base'])} to {hours(wait['run'])}"
    yield f"completion time grows by {percent(jobs['mean_jct_s']['relative'], 0)}"


def night_winter(results):
    timings = {"nights, 21:00 to 6:00": "night-window", "winter, November to February": "season",
               "lowest carbon": "lowest-carbon",
               "lowest carbon, interruptible": "lowest-carbon-interruptible"}
    runs = results.compare("immediate", *timings.values())
    for label, run in zip(timings, runs):
        booked = run["total"]["booked"]
        carbon = booked["jobs_carbon_g"]
        low, high = (f"{100 * limit:.1f}" for limit in carbon["relative_95"])
        yield (f"| {label} | -{percent(booked['jobs_facility_energy_j']['relative'])} "
               f"| -{percent(carbon['relative'])} ({low} to {high}) "
               f"| -{percent(booked['jobs_cost']['relative'], 0)} "
               f"| {percent(run['reached']['carbon'], 0)} |")


def power_budget(results):
    run = results.compare("free", "budget")[0]
    yield f"peaks at {run['sites'][0]['peaks']['peak_facility_power_w']['base'] / 1000:.0f} kW"
    wait = run["total"]["jobs"]["mean_wait_s"]
    yield f"{hours(wait['run'])} instead of {hours(wait['base'])} on average"
    jobs = results.jobs("budget")
    yield f"{int((jobs['preemptions'] > 0).sum())} jobs are paused"


def carbon_placement(results):
    placed, free = results.compare("home", "placed", "free")
    carbon = [run["total"]["horizon"]["carbon_g"] for run in (placed, free)]
    yield f"emits {carbon[0]['base'] / 1e6:.2f} t at home, {carbon[0]['run'] / 1e6:.2f} t placed by carbon"
    yield f"(-{percent(carbon[0]['relative'], 0)}), and {carbon[1]['run'] / 1e6:.2f} t (-{percent(carbon[1]['relative'], 0)})"
    at_home = [int((jobs["site"] == jobs["home_site"]).sum())
               for jobs in (results.jobs("placed"), results.jobs("free"))]
    yield f"of {results.jobs('placed').sizes['job']:,} jobs {at_home[0] - at_home[1]} stay at home only"
    booked = placed["total"]["booked"]["jobs_carbon_g"]["relative"]
    yield f"jobs themselves falls by {percent(booked, 0)}, {percent(placed['reached']['carbon'], 0)} of what is possible"
    yield f"waiting rises from {placed['total']['jobs']['mean_wait_s']['base'] / 60:.1f} min to an hour"


def accelerators(results):
    for kind, names in {"training: energy on Trainium against A100 | -29 %": ("a100", "trainium"),
                        "inference: energy on Inferentia against T4 | -92 %": ("t4", "inferentia")}.items():
        total = results.compare(*names)[0]["total"]
        site = total["horizon"]["carbon_g"]
        mass = [f"{g / 1e6:.2f} t" if g > 1e6 else f"{g / 1e3:.0f} kg" for g in (site["base"], site["run"])]
        yield (f"| {kind} | -{percent(total['booked']['jobs_it_energy_j']['relative'])} "
               f"| -{percent(total['horizon']['it_energy_j']['relative'])} | {mass[0]} to {mass[1]} |")


def four_m(results):
    joules = [results.nightwatt("estimate", "--model", model, "--phase", "training", "--gpu",
                                "p100-pcie-16gb", "--batch", "32", "--seq", "128")["energy_j"]
              for model in ("bert-large", "distilbert")]
    kg = results.carbon_of_jobs("base", "machine", "mechanisation", "map")
    factors = [joules[0] / joules[1], kg[0] / kg[1], kg[1] / kg[2], kg[2] / kg[3]]
    yield f"| BERT large, {joules[0]:.1f} J a step | DistilBERT, {joules[1]:.1f} J | | {factors[0]:.1f} |"
    yield f"| {kg[0]:,.0f} kg to {kg[1]:.0f} kg | {factors[1]:.1f} |"
    yield f"| to {kg[2]:.0f} kg | {factors[2]:.1f} |"
    yield f"| to {kg[3]:.0f} kg | {factors[3]:.1f} |"
    together = factors[0] * kg[0] / kg[3]
    yield f"| together | | | | {round(together, -1):.0f} |"


FIGURES = {
    "power-cap-150w": power_cap,
    "night-winter": night_winter,
    "power-budget": power_budget,
    "carbon-placement": carbon_placement,
    "accelerators": accelerators,
    "four-m": four_m,
}


def missing(document, text, folder, environment):
    """Phrases that the document does not hold, though its own files say so."""
    figures = FIGURES.get(document.parent.name)
    if figures is None or document.parent.parent.name != "scenarios":
        return
    said = " ".join(text.split())
    for phrase in figures(Results(folder, environment)):
        if phrase not in said:
            yield phrase
