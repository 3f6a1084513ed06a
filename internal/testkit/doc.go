// Package testkit is the set-up of the tests of transports and servers.
//
// Begin with [Start]: it starts a whole server, with every transport on a free port, and stops it with the test. Its
// clients are [Server.HTTP], [Server.TCP], [Server.WS] and [Server.SIO]; [Transports] has them all for tables.
// [Recorder] keeps the log, [Gate] is an action that waits, [Eventually] is the only poll.
//
// The rest is for tests that attack a server: many slow clients ([Storm]), clients whose waiting time is measured
// meanwhile ([StartProbe]), resources that must be free again ([CheckLeaks]), a folder next to a secret ([NewTree]), and
// clients that send any bytes ([Lines], [Frames]).
//
// Tests of a package that the server imports must be in the external test package (package tcp_test).
package testkit
