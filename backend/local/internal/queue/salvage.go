package queue

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/actionhero-go/actionhero/backend"
)

// lostIDs is the number of ids that a repair skips if the last records of the journal are lost. The ids of the lost jobs
// may be known elsewhere, so a new job must not get one of them.
const lostIDs = 1 << 20

// salvage replays the records of a damaged journal, and finds out which jobs the lost records were about. Jobs get
// consecutive ids, so a jump of the last id shows which jobs were enqueued in a lost part.
type salvage struct {
	*table
	begun     bool                     // a record was read
	newID     uint64                   // the job of which the first record announces the id, and whose record follows; 0: none or unknown
	firstID   uint64                   // the last id before the first record
	frontHole bool                     // records are lost before the first record that was read, although their batch is known
	gaps      []IDs                    // the jobs that were enqueued in lost parts
	unended   bool                     // records are lost, and no later record has the last id of its time, so jobs after the last known id may be missing
	last      lostRecords              // the last hole
	inHole    bool                     // no record was read since the last call of hole
	unsure    map[uint64]struct{}      // the jobs that may have ended in a lost part
	orphans   map[uint64]backend.State // the last known states of jobs whose own records were not read
}

// hole is called where records are lost; the argument records is their number, or 0 if it is unknown. Each job that had
// not ended may have ended there.
func (s *salvage) hole(records int) {
	if s.inHole {
		s.last.records = 0 // both holes together have an unknown number of records
		return
	}
	if s.unended {
		records = 0 // the jobs in the gap that follows may have been enqueued in the hole before
	}
	s.inHole, s.unended, s.frontHole = true, true, s.frontHole || !s.begun
	s.last = lostRecords{records: records, gaps: len(s.gaps)}
	if s.newID != 0 {
		s.gaps = append(s.gaps, IDs{s.newID, s.newID})
	}
	s.walk(0, false, func(i slot) bool {
		e := s.at(i)
		if _, ok := s.unsure[e.id]; !ok && !e.state.Finished() {
			s.unsure[e.id] = struct{}{}
			s.last.unsure = append(s.last.unsure, e.id)
		}
		return true
	})
}

// lostRecords has the facts about the last hole.
type lostRecords struct {
	records int      // the number of the lost records; 0: unknown
	gaps    int      // the number of gaps before the hole
	unsure  []uint64 // the jobs that may have ended in this hole
}

// explain is called after the jobs that were enqueued in the last hole are known. If each lost record is the record of
// one of these jobs, no other job can have ended there.
func (s *salvage) explain() {
	enqueued := 0
	for _, gap := range s.gaps[s.last.gaps:] {
		enqueued += int(gap.To - gap.From + 1)
	}
	if s.last.records > 0 && s.last.records == enqueued {
		for _, id := range s.last.unsure {
			delete(s.unsure, id)
		}
	}
	s.last = lostRecords{gaps: len(s.gaps)}
}

// replay applies a record to the table, see table.replay.
func (s *salvage) replay(at pos, record []byte) error {
	lastID := s.lastID
	if err := s.table.replay(at, record); err != nil {
		return err
	}
	s.newID, s.inHole = 0, false
	id, n := binary.Uvarint(record[1:])
	switch record[0] {
	case recordJob:
		s.forget(id)
		s.sawID(lastID, id-1, id)
		s.unended = s.unended && id <= lastID
	case recordHead:
		last, _ := binary.Uvarint(record[1+n:])
		if !s.begun {
			s.newID = last // the record may be the first of a segment because this job was enqueued
		}
		s.last.records = 0 // the jobs that the head has, but no record before it, may also have their records in this batch
		s.sawID(lastID, last, last)
		s.unended = false
	case recordChange:
		s.replayState(id, record[1+n:])
		s.sawID(lastID, id, id)
	case recordDelete:
		s.forget(id)
		s.sawID(lastID, id-1, id)
	}
	s.begun = true
	return nil
}

// sawID is called for each id in a record. If the id is higher than lastID, the last id before the record, the jobs with
// the ids after lastID, up to the id to, were enqueued in a lost part. Before the first record, sawID only stores the
// id to.
func (s *salvage) sawID(lastID, to, id uint64) {
	switch {
	case !s.begun:
		s.firstID = to
	case id > lastID:
		if to > lastID {
			s.gaps = append(s.gaps, IDs{lastID + 1, to})
		}
		s.explain()
	}
	s.lastID = max(s.lastID, id)
}

func (s *salvage) forget(id uint64) {
	delete(s.unsure, id)
	delete(s.orphans, id)
}

// replayState stores the state that a record of a change has, if it has one.
func (s *salvage) replayState(id uint64, changed []byte) {
	f := fields{rest: changed}
	for got, ok := f.next(); ok; got, ok = f.next() {
		if got.number != fieldState {
			continue
		}
		delete(s.unsure, id)
		if s.find(id) == 0 {
			s.orphans[id] = backend.State(got.value)
		}
	}
}

// unsureJobs returns the ids of the jobs of which it cannot be known whether they have ended.
func (s *salvage) unsureJobs() []uint64 {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.unsure)), func(id uint64) bool { return s.find(id) == 0 })
}

// report sets the fields of r about the missing jobs. The journal does not store that a job was removed because of its
// age, so jobs that had ended may be among them.
func (s *salvage) report(r *Repaired) {
	if s.unended {
		r.From = s.lastID + 1
	}
	gaps := s.gaps
	if loss := &r.Loss; loss.Front && loss.Unknown || !loss.Front && s.frontHole {
		r.UpTo = s.firstID
	} else if loss.Front && s.firstID > 0 {
		gaps = append([]IDs{{1, s.firstID}}, gaps...)
	}
	lost := map[uint64]struct{}{}
	for id, state := range s.orphans {
		if !state.Finished() && s.find(id) == 0 {
			lost[id] = struct{}{}
		}
	}
	for _, gap := range gaps {
		for id := gap.From; id <= gap.To; id++ {
			if s.find(id) == 0 {
				lost[id] = struct{}{}
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(lost)) {
		if n := len(r.Missing); n > 0 && r.Missing[n-1].To == id-1 {
			r.Missing[n-1].To = id
		} else {
			r.Missing = append(r.Missing, IDs{id, id})
		}
	}
}
