package redis

import "context"

// work delivers the queue of the room until it is empty.
func (r *room) work(ctx context.Context, _ *session) {
	for {
		r.mu.Lock()
		if len(r.queue) == 0 || ctx.Err() != nil {
			r.queue, r.bytes, r.working = nil, 0, false
			r.mu.Unlock()
			return
		}
		d := r.queue[0]
		r.queue[0] = delivery{}
		r.queue = r.queue[1:]
		r.bytes -= len(d.message.Body)
		r.mu.Unlock()
		r.deliver(d)
	}
}

func (r *room) deliver(d delivery) {
	s := r.broker.subscriber.Load()
	switch {
	case d.gap && s.Gap != nil:
		s.Gap(r.name)
	case !d.gap && s.Deliver != nil:
		if after := s.Deliver(d.message); after != nil {
			after()
		}
	}
}
