package cli

import "github.com/actionhero-go/actionhero/server"

// ShareAnyBackend makes `start --nodes` take any backend, for nodes whose tests need no shared state.
func ShareAnyBackend() { sharedBackend = func(server.Config) bool { return true } }
