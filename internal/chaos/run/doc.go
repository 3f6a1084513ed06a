// Package run is a chaos run with real processes: nodes of one app, servers of Redis, a proxy for each connection between
// them, and clients of all transports. Its test makes the faults of a plan of package schedule, records what happens by
// package history, and judges the history by package check.
//
//	go test ./internal/chaos/run -chaos.for 10m -chaos.server cluster -chaos.nodes 5 -chaos.load 1 -chaos.seed 7 -timeout 0
//
// Without flags, the run is a short one of one server, with a fixed seed. The test binary starts itself once more for each node.
package run
