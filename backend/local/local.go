// Package local is the backend that needs nothing: everything lives in the memory of this process, so its cluster is
// one node. It is what an API uses when nobody has named a server, and what tests use.
//
//	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})}, ...)
//
// Reading from its store takes no lock. Entries that expire are removed as they do, without anyone looking at the
// others: each of 64 shards keeps those that will expire in a heap, and a timer, set only while there are such entries,
// goes off soon after the next one is due. The store's memory is bounded, see [Config.MaxBytes].
//
// Messages are delivered in the goroutine that publishes them, one at a time for each room.
//
// The store keeps its entries when the backend is closed and opened again; they are gone with the [Backend] itself.
package local

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/actionhero-go/actionhero/backend"
)

// Config is what may be set about the embedded backend; the zero value works. It is the section `cache` of a
// configuration file.
type Config struct {
	MaxBytes int64 `json:"maxBytes" doc:"the most memory that cached entries may take, in bytes: keys, values and 128 bytes for each entry"` // default: 268435456 (256 MiB)
}

const defaultMaxBytes = 256 << 20

// Backend keeps everything in memory. [New] makes one.
type Backend struct {
	config Config
	store  *store
	broker *broker

	mu   sync.Mutex // for Open and Close
	open bool
}

// New returns an embedded backend that is not open yet. Open reports what is wrong with config.
func New(config Config) *Backend {
	if config.MaxBytes == 0 {
		config.MaxBytes = defaultMaxBytes
	}
	return &Backend{config: config, store: newStore(config.MaxBytes), broker: newBroker()}
}

// Store returns the part that keeps entries by key.
func (b *Backend) Store() backend.Store { return b.store }

// Broker returns the part that carries messages to rooms.
func (b *Backend) Broker() backend.Broker { return b.broker }

// Open makes the backend ready for use. It fails if it is open already or if [Config.MaxBytes] is negative.
func (b *Backend) Open(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.config.MaxBytes < 0 {
		return fmt.Errorf("cache.maxBytes is %d: it must be 1 or more, or 0 for the default of %d", b.config.MaxBytes, defaultMaxBytes)
	}
	if b.open {
		return errors.New("the embedded backend is open already: close it before opening it again, and use a backend of its own for each API")
	}
	b.open = true
	b.store.start()
	b.broker.start()
	return nil
}

// Close ends the backend's use until the next Open. Entries stay; all rooms are empty afterwards. It waits for
// deliveries under way.
func (b *Backend) Close(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return nil
	}
	b.open = false
	b.broker.stop()
	b.store.stop()
	return nil
}

// tooLong returns the error for a key, room or member that has too many bytes, or nil.
func tooLong(what, name string) error {
	if len(name) <= backend.MaxKeyBytes {
		return nil
	}
	return fmt.Errorf("a %s of %d bytes, %.32q…, is refused: %w", what, len(name), name, backend.ErrKeyTooLong)
}
