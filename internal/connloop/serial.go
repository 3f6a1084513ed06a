package connloop

import "sync"

// Job is the work of a request that must not run concurrently with other work of the same [Serial].
type Job interface{ Do() }

// Serial runs jobs of one connection one after the other, in the order of their requests. Many requests of
// a client occupy only one goroutine. The zero value is ready for use.
type Serial struct {
	mu      sync.Mutex
	waiting *[]Job // nil: none waits
	busy    bool
}

// Run is the Run of a [Request] of the loop l whose work is the job j. If no job of s runs, Run runs j, then the jobs
// that have come meanwhile, and returns true. Otherwise it leaves j to the goroutine that runs the jobs, and returns
// false.
func (s *Serial) Run(l *Loop, j Job) (done bool) {
	if !s.acquire(j) {
		return false
	}
	whole := false
	defer func() {
		if !whole { // j has panicked or ended the goroutine: another goroutine runs the jobs that wait
			s.resume(l)
		}
	}()
	j.Do()
	whole = true
	s.rest(l)
	return true
}

// resume runs the jobs that wait in a new goroutine.
func (s *Serial) resume(l *Loop) {
	l.pool.Go(func() {
		s.rest(l)
		l.out.Send()
	})
}

// rest runs the jobs that wait.
func (s *Serial) rest(l *Loop) {
	whole := false
	defer func() {
		if whole {
			return
		}
		if p := recover(); p != nil {
			l.fail(p)
		}
		s.resume(l)
	}()
	for j, ok := s.next(); ok; j, ok = s.next() {
		run(l, j)
	}
	whole = true
}

func run(l *Loop, j Job) {
	defer l.RequestDone()
	if !l.Canceled() {
		j.Do()
	}
}

// acquire returns true if no job runs; the caller must then run j. Otherwise acquire queues j.
func (s *Serial) acquire(j Job) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		if s.waiting == nil {
			s.waiting = new([]Job)
		}
		*s.waiting = append(*s.waiting, j)
		return false
	}
	s.busy = true
	return true
}

// next removes the first job from the queue. If the queue is empty, ok is false, and the next job may start at once.
func (s *Serial) next() (j Job, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil || len(*s.waiting) == 0 {
		s.busy, s.waiting = false, nil
		return nil, false
	}
	waiting := *s.waiting
	j, waiting[0] = waiting[0], nil
	*s.waiting = waiting[1:]
	return j, true
}
