package local

import (
	"context"

	"github.com/actionhero-go/actionhero/backend"
)

func (s *store) Take(_ context.Context, key string, rate backend.Rate) (backend.Taken, error) {
	if _, _, err := s.locate(&s.entries, key); err != nil {
		return backend.Taken{}, err
	}
	if err := rate.Check(); err != nil {
		return backend.Taken{}, err
	}
	return s.rates.Take(s.rates.KeyOf(key), rate), nil
}
