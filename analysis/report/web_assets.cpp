#include "analysis/report/web_assets.hpp"

#ifdef NIGHTWATT_REPORT_PAGE

// The assembler takes the file as it is; a literal of this size would cost the compiler seconds.
__asm__(
    ".section .rodata\n"
    ".balign 16\n"
    "nightwatt_report_page:\n"
    ".incbin \"" NIGHTWATT_REPORT_PAGE
    "\"\n"
    "nightwatt_report_page_end:\n"
    ".byte 0\n"
    ".text\n");
extern const char page_begin[] __asm__("nightwatt_report_page");
extern const char page_end[] __asm__("nightwatt_report_page_end");

std::string_view nightwatt::report::web_page() {
  return {page_begin, static_cast<std::size_t>(page_end - page_begin)};
}

#else

std::string_view nightwatt::report::web_page() { return {}; }

#endif
