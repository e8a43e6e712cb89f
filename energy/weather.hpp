#pragma once

namespace nightwatt {

/// Temperature of a wet bulb: what water that evaporates into the air can cool down to.
///
/// Stull 2011, J. Appl. Meteor. Climatol. 50, 2267 (doi 10.1175/JAMC-D-11-0143.1), eq. 1: a fit at
/// sea level pressure for 5 to 99 % and -20 to 50 °C; its error is -1.0 to +0.65 K, 0.3 K in the
/// mean. The air in mountains evaporates more easily: at 80 kPa the true value lies up to 1 K
/// lower. Never above the dry bulb, where the fit would be by up to 0.4 K in air that is nearly
/// saturated.
/// @param dry_bulb_c  temperature of the air, in °C
/// @param humidity_percent  relative humidity, taken as 100 where it is above that
/// @return in °C; NaN if an argument is
double wet_bulb_c(double dry_bulb_c, double humidity_percent);

}  // namespace nightwatt
