// Package faultproxy is a TCP proxy in front of a Redis server that causes the faults of a network for tests. It cuts
// connections, stops all data without closing anything, delays data, and loses a command or the answer to a command.
//
// Begin with [Proxy]. The proxy reads the frames of the protocol, so that faults happen between frames, and [Proxy.Fault]
// can select commands. Data that is not the protocol of Redis, for example TLS, passes through unread.
package faultproxy
