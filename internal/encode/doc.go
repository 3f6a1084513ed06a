// Package encode writes the responses of actions as the members of a JSON object.
//
// Begin with [Compile]: it builds a plan for a type once, when an action is registered. [Output.AppendMembers] follows
// that plan for each response. The function [AppendMembers] writes a value of any type; it builds the plan at the first
// value of a type and reuses the plan for later values.
//
// The output equals the output of [jsonx.Marshal] byte for byte; tests compare the two with random values. Package
// encode calls Marshal for types that encode themselves with a Marshal method, and for the few struct declarations that
// only Marshal supports.
//
// The plans exist because they are faster than Marshal: BenchmarkEncodeSix takes 108 ns, BenchmarkEncodeSixByMarshal
// 603 ns. Plans for flat structs only, with Marshal for all nested values, would save 200 lines. A trial of these
// smaller plans had three faults. BenchmarkEncodeSix took 4.4 times as long, BenchmarkEncodeMap 4.3 times and
// BenchmarkEncodeMapOfStructs 2.1 times. Errors lost the path of the wrong part. Marshal overflows the stack if an
// interface contains itself.
package encode
