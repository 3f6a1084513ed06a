package connloop

import "slices"

// interrupted is called if the goroutine of the loop ends before its work: by a panic with the value p, or, if p is nil,
// by runtime.Goexit. at is the step that was interrupted.
func (l *Loop) interrupted(p any, at step, handoffs uint32) {
	if at == running && !l.pool.untrack(l, handoffs) { // another goroutine runs the loop
		if p != nil {
			l.fail(p)
		}
		l.out.Send()
		l.RequestDone()
		return
	}
	if at == running {
		l.inFlight.Add(-1)
		l.queued, l.head = slices.Clone(l.queued[l.head:]), 0
		l.unsent = true
		l.takeBack()
	}
	if p == nil && (at == running || at == reading) {
		l.goOn()
		return
	}
	if p == nil {
		p = "the goroutine of the connection has ended"
	}
	l.faulted(p)
}

// faulted ends the connection after a panic with the value p.
func (l *Loop) faulted(p any) {
	l.Cancel()
	l.conn.Fault(p)
}

// fail ends the connection because of a panic with the value p, from another goroutine than the loop's.
func (l *Loop) fail(p any) {
	l.fault.Store(&p)
	l.parkRequested.Store(true) // a blocked Read returns, and the next goroutine ends the connection
	l.conn.Wake()
	l.wakeUp()
}
