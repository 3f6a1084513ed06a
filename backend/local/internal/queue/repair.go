package queue

import (
	"errors"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// Repaired says what a repair did.
type Repaired struct {
	Jobs  int // how many there are now
	Loss  journal.Loss
	Aside []string // the new names of the files that were damaged, and of those beside them
}

// Repair makes a folder usable that Open refuses as damaged. It keeps what is whole, and sets the files aside. A folder
// that is not damaged stays as it is.
func Repair(cfg Config) (Repaired, error) {
	q := New()
	err := q.Open(cfg)
	if err == nil {
		jobs := q.jobs.count
		return Repaired{Jobs: jobs}, q.Close()
	}
	if !errors.Is(err, backend.ErrDamaged) {
		return Repaired{}, err
	}
	return q.repair(cfg)
}

func (q *Queue) repair(cfg Config) (r Repaired, err error) {
	q.cfg, q.jobs = cfg, newTable(false, q.watchers)
	log, loss, err := journal.Salvage(cfg.FS, cfg.FileBytes, &q.mu, q, q.jobs.replay)
	if err != nil {
		return Repaired{}, err
	}
	q.mu.Lock()
	q.log, q.open = log, true
	q.compact.running = true // so that it does not begin: all is written again below
	now, _ := q.clock.now()
	q.jobs.settle(now.wall)
	var ids []uint64
	q.jobs.walk(0, false, func(i slot) bool {
		ids = append(ids, q.jobs.at(i).id)
		return true
	})
	q.mu.Unlock()
	m := mover{q: q, log: log}
	for _, id := range ids {
		if err := m.add(id); err != nil {
			return Repaired{}, errors.Join(err, q.Close())
		}
	}
	if err := m.flush(); err != nil {
		return Repaired{}, errors.Join(err, q.Close())
	}
	r = Repaired{Jobs: q.jobs.count, Loss: loss}
	r.Aside, err = log.SetAside()
	return r, errors.Join(err, q.Close())
}

// add is visit for the job with this id, wherever its record is.
func (m *mover) add(id uint64) error {
	f, err := m.q.find(id)
	if errors.Is(err, backend.ErrNotFound) {
		return nil // it was old enough to be removed
	}
	if err != nil {
		return err
	}
	record, err := m.log.Read(f.rest.record, int(f.rest.recordLen))
	if err != nil {
		return err
	}
	return m.visit(f.rest.record, record)
}
