package queue

import (
	"errors"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// Repaired is the result of [Repair]: the number of jobs, the losses and the new names of the old files.
type Repaired struct {
	Jobs     int // the number of jobs after the repair
	Loss     journal.Loss
	SetAside []string // the new names of the damaged files and of the other files of the old journal
}

// Repair makes a folder usable that Open refuses as damaged. It writes all intact jobs to a new journal and renames the
// old files. If the folder is not damaged, Repair changes nothing.
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
	q.compact.running = true // prevents a compaction: all jobs are rewritten below
	now, _ := q.clock.now()
	q.jobs.rebuild(now.wall)
	var ids []uint64
	q.jobs.walk(0, false, func(i slot) bool {
		ids = append(ids, q.jobs.at(i).id)
		return true
	})
	q.mu.Unlock()
	m := rewriter{q: q, log: log}
	for _, id := range ids {
		if err := m.add(id); err != nil {
			return Repaired{}, errors.Join(err, q.Close())
		}
	}
	if err := m.flush(); err != nil {
		return Repaired{}, errors.Join(err, q.Close())
	}
	r = Repaired{Jobs: q.jobs.count, Loss: loss}
	r.SetAside, err = log.SetAside()
	return r, errors.Join(err, q.Close())
}

// add reads the current record of the job with this id and passes the record to visit, so that the next flush rewrites
// the job.
func (m *rewriter) add(id uint64) error {
	f, err := m.q.find(id)
	if errors.Is(err, backend.ErrNotFound) {
		return nil // the job was removed because of its age
	}
	if err != nil {
		return err
	}
	record, err := m.log.Read(f.refs.record, int(f.refs.recordLen))
	if err != nil {
		return err
	}
	return m.visit(f.refs.record, record)
}
