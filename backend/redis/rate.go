package redis

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
)

// rateKind is the kind of the keys that count the events of Take.
const rateKind = "r"

var takeScript = newScript("take", once)

func (s *store) Take(ctx context.Context, key string, rate backend.Rate) (backend.Taken, error) {
	if err := rules.CheckName("key", key); err != nil {
		return backend.Taken{}, err
	}
	if err := rate.Check(); err != nil {
		return backend.Taken{}, err
	}
	reply, err := asWords(s.core.run(ctx, takeScript, []string{s.core.key(rateKind, partition(key), key)},
		micros(rate.Every), strconv.Itoa(rate.Burst), ""))
	switch {
	case err != nil:
		return backend.Taken{}, err
	case reply[0] == "foreign":
		return backend.Taken{}, errForeign(key)
	case len(reply) != 2:
		return backend.Taken{}, errReply
	}
	wait, err1 := strconv.ParseInt(reply[0], 10, 64)
	full, err2 := strconv.ParseInt(reply[1], 10, 64)
	return backend.Taken{Wait: time.Duration(wait) * time.Microsecond, Full: time.Duration(full) * time.Microsecond}, errors.Join(err1, err2)
}
