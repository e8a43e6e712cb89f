// policy: order late
// expected: got another library
extern "C" int nothing_to_see() { return 1; }
