// Package encode writes the answers of actions as the members of a JSON object.
//
// Begin with [Compile]: it builds a plan for a type once, when an action is registered, and [Output.AppendMembers] follows
// that plan for each answer. The function [AppendMembers] writes a value of any type; it builds the plan at the first
// value of a type and reuses it.
//
// The output equals the output of [jsonx.Marshal] byte for byte; tests compare the two with random values. Types that encode
// themselves, and the few declarations that only Marshal understands, are left to Marshal.
//
// The plans exist because of their speed: BenchmarkEncodeSix takes 108 ns, BenchmarkEncodeSixByMarshal 603 ns. Plans for
// flat structs only, with Marshal for everything nested, would save 200 lines. They were tried: BenchmarkEncodeSix took
// 4.4 times as long, BenchmarkEncodeMap 4.3 times and BenchmarkEncodeMapOfStructs 2.1 times, errors lost the path of the
// part, and Marshal overflows the stack with an interface that contains itself.
package encode
