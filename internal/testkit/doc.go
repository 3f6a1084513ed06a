// Package testkit holds the set-up and the clients for the tests of transports and servers.
//
// Begin with [Start]: it starts a whole server, with every transport on a free port, and stops the server at the end of
// the test. [Server.HTTP], [Server.TCP], [Server.WS] and [Server.SIO] return clients of this server. [Transports] maps
// the name of each transport to a function that connects a client, for tests with a table. [Recorder] keeps the log.
// [Gate] is an action that blocks until the test opens the gate. [Eventually] polls a condition; tests use no other poll.
//
// The rest is for tests that attack a server: many slow clients ([Storm]), clients whose waiting time is measured
// during the attack ([StartProbe]), resources that must be free again after the attack ([CheckLeaks]), a folder next to
// a secret ([NewTree]), and clients that send any bytes ([Lines], [Frames]).
//
// If the server imports a package, the tests of that package must be in the external test package, such as tcp_test,
// because testkit imports the server.
package testkit
