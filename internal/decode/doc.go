// Package decode reads the JSON of values that package encode wrote, and is faster than [jsonx.Unmarshal] if the JSON has
// the form that package encode gives to the type: no white space, and members in the order of declaration.
//
// Begin with [Unmarshal]. Its results are those of jsonx.Unmarshal for all JSON: a plan for the type reads the JSON as long
// as the form is the expected one. Otherwise Unmarshal calls jsonx.Unmarshal, which also makes the errors. Tests compare
// the two. Types that a plan does not know, for example those that decode themselves, are read by jsonx.Unmarshal where
// they occur in a value.
//
// The plans exist because a cache reads more often than it writes: BenchmarkSession takes a third of the time of
// BenchmarkSessionByJsonx.
package decode
