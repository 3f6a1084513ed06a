//go:build race

package testkit

// slower is the factor by which the race detector slows down a test. The clients run in the same process, so they slow
// down too.
const slower = 8
