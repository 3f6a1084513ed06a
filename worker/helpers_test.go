package worker_test

import (
	"context"
	"sync"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
)

func newBackend() backend.Backend { return local.New(local.Config{}) }

// sharedBackend is one backend for several nodes. It is open from the first Open to the last Close.
type sharedBackend struct {
	backend.Backend
	mu    sync.Mutex
	users int
}

func (s *sharedBackend) Open(ctx context.Context, node backend.Node) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users++; s.users > 1 {
		return nil
	}
	return s.Backend.Open(ctx, node)
}

func (s *sharedBackend) Close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users > 0 {
		return nil
	}
	return s.Backend.Close(ctx)
}
