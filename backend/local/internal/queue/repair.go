package queue

import (
	"errors"
	"slices"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// Repaired is the result of [Repair].
type Repaired struct {
	Jobs     int // the number of jobs after the repair
	Loss     journal.Loss
	Missing  []IDs    // the jobs that the lost part has and that are not there after the repair, by id
	UpTo     uint64   // further jobs with this id or a lower one may be missing; 0: none
	From     uint64   // further jobs with this id or a higher one may be missing; 0: none
	Held     []uint64 // the jobs of which it cannot be known whether they have ended; they are dead and held
	SetAside []string // the new names of the damaged files and of the other files of the old journal
}

// IDs is a range of job ids.
type IDs struct{ From, To uint64 }

// Repair makes a folder usable that Open refuses as damaged. It writes all intact jobs to a new journal and renames the
// old files. If the folder is not damaged, Repair changes nothing.
//
// The lost records may have ended or cancelled jobs that waited or ran before. Unless a later record has the state of
// the job, Repair holds it: the job is dead, so that a cancelled job does not run. [Resume] undoes that.
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
	s := salvage{table: q.jobs, unsure: map[uint64]struct{}{}, orphans: map[uint64]backend.State{}}
	log, loss, err := journal.Salvage(cfg.FS, cfg.FileBytes, &q.mu, q, s.replay, s.hole)
	if err != nil {
		return Repaired{}, err
	}
	r = Repaired{Loss: loss, Held: s.unsureJobs()}
	s.report(&r)
	if r.From > 0 {
		q.jobs.lastID += lostIDs
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
	if err := errors.Join(q.beginJournal(), q.hold(r.Held), q.rewriteAll(ids)); err != nil {
		return Repaired{}, errors.Join(err, q.Close())
	}
	r.Jobs = q.jobs.count
	r.SetAside, err = log.SetAside()
	return r, errors.Join(err, q.Close())
}

// beginJournal commits the first batch of a new journal. A journal without a batch does not show that the files before it
// are not needed.
func (q *Queue) beginJournal() error {
	q.mu.Lock()
	now, err := q.begin(0, false)
	if err != nil {
		q.mu.Unlock()
		return err
	}
	q.appendHead()
	return q.commit(now)
}

func (q *Queue) rewriteAll(ids []uint64) error {
	m := rewriter{q: q, log: q.log}
	for _, id := range ids {
		if err := m.add(id); err != nil {
			return err
		}
	}
	return m.flush()
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

// heldText is the error text of a held job.
const heldText = "its later changes are lost: it may have run, or have been cancelled or deleted; check that, then retry it"

// hold makes the jobs with these ids dead and marks them as held.
func (q *Queue) hold(ids []uint64) error {
	return q.changeEach(ids, heldText, func(e *entry, now timestamps) {
		if e.state == backend.Running {
			e.attempt--
		}
		e.finish(backend.Dead, now)
		e.flags |= held
	})
}

// Resume makes the held jobs of a folder wait again as before the damage, and returns their number. A held job whose
// unique key another job has taken stays dead. No process may use the folder.
func Resume(cfg Config) (int, error) {
	q := New()
	if err := q.Open(cfg); err != nil {
		return 0, err
	}
	var ids []uint64
	q.mu.Lock()
	now, _ := q.clock.now()
	keys := map[string]bool{}
	q.jobs.walk(0, false, func(i slot) bool {
		e := q.jobs.at(i)
		key := q.jobs.keys.list[e.key].text
		if e.state == backend.Dead && e.has(held) && q.keyIsFree(i, now) && (key == "" || !keys[key]) {
			ids = append(ids, e.id)
			keys[key] = true
		}
		return true
	})
	q.mu.Unlock()
	err := q.changeEach(ids, "", func(e *entry, _ timestamps) {
		e.state, e.endsAt = backend.Scheduled, 0
		e.flags &^= held
	})
	return len(ids), errors.Join(err, q.Close())
}

// changeEach calls edit on the entries of the jobs with these ids, in several commits. The text failure, unless empty,
// becomes the error of each job. Jobs that are not there are skipped.
func (q *Queue) changeEach(ids []uint64, failure string, edit func(e *entry, now timestamps)) error {
	for some := range slices.Chunk(ids, maxCrashesPerLock) {
		q.mu.Lock()
		now, err := q.begin(len(some)*(changeBytes+len(failure)), false)
		if err != nil {
			q.mu.Unlock()
			return err
		}
		for _, id := range some {
			if i := q.jobs.find(id); i != 0 {
				q.change(i, now, failure, func(e *entry) { edit(e, now) })
			}
		}
		if err := q.commit(now); err != nil {
			return err
		}
	}
	return nil
}
