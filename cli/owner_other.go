//go:build !linux

package cli

// ownersOf returns nil, because the standard library cannot find the processes that listen on a port of this system.
func ownersOf(int) []owner { return nil }
