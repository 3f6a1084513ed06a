// Package probe lets a process of a chaos run follow the package backend/redis and lead its connections through proxies.
// In all other processes its hooks are nil.
package probe

import "time"

// Hooks are called by the backends that a process makes. They may be called concurrently, and must not block.
type Hooks struct {
	// Through returns the address to dial in place of the address of a server.
	Through func(addr string) string
	// Inc is called when the queue has drawn an incarnation, with the time at which its first pulse was sent.
	Inc func(inc string, sent time.Time)
	// Pulse is called when a pulse of the incarnation has succeeded that was sent at this time.
	Pulse func(inc string, sent time.Time)
	// Lost is called when the queue learns that its incarnation has lost its lease.
	Lost func(inc string)
}

// Redis has the hooks of the backends that package backend/redis makes from now on. A process sets it before all others.
var Redis Hooks
