package history

// PublishCall is a message without the answer of Publish yet.
type PublishCall struct{ call }

// PublishIntent records that the message with this number is to be published.
func (r *Recorder) PublishIntent(room string, number uint64) PublishCall {
	return PublishCall{r.begin(Event{Kind: KindPublishIntent, Subject: room, Number: number})}
}

// Done records the position of the message. In a room without positions both are 0.
func (c PublishCall) Done(epoch, seq uint64) { c.end(Event{Outcome: OK, Epoch: epoch, Seq: seq}) }

// Deliver records that a connection received a message of a room. In a room without positions, epoch and seq are 0.
func (r *Recorder) Deliver(room, conn string, epoch, seq, number uint64) {
	r.write(Event{Kind: KindDeliver, Subject: room, Object: conn, Epoch: epoch, Seq: seq, Number: number})
}

// Gap records that a connection received the notice that it may have missed messages of the room.
func (r *Recorder) Gap(room, conn string) { r.write(Event{Kind: KindGap, Subject: room, Object: conn}) }

// ResumeCall is a recovery without its answer yet.
type ResumeCall struct{ call }

// ResumeIntent records that a connection asks for the messages after this position.
func (r *Recorder) ResumeIntent(room, conn string, epoch, seq uint64) ResumeCall {
	return ResumeCall{r.begin(Event{Kind: KindResumeIntent, Subject: room, Object: conn, Epoch: epoch, Seq: seq})}
}

// Done records that n messages follow, before the deliveries of these messages.
func (c ResumeCall) Done(n int) { c.end(Event{Outcome: OK, Count: int64(n)}) }

// NotRecovered records that the answer was recovered:false.
func (c ResumeCall) NotRecovered() { c.end(Event{Outcome: NotRecovered}) }

// EnterCall is a member without the answer of Enter yet.
type EnterCall struct{ call }

// EnterIntent records that the member, which is the name of its connection, is to enter the room.
func (r *Recorder) EnterIntent(room, member string) EnterCall {
	return EnterCall{r.begin(Event{Kind: KindEnterIntent, Subject: room, Object: member})}
}

// Done records the last position before the member. In a room without positions both are 0.
func (c EnterCall) Done(epoch, seq uint64) { c.end(Event{Outcome: OK, Epoch: epoch, Seq: seq}) }

// DoneAtLeast records a position at or after which the member has entered: it gets nothing at or below it, and it may miss
// messages that its node has delivered since, which count as sent before it entered.
func (c EnterCall) DoneAtLeast(epoch, seq uint64) {
	c.end(Event{Outcome: OK, Epoch: epoch, Seq: seq, Count: 1})
}

// LeaveIntent records that the member is to leave the room. Its outcomes are Done, Absent, Refused and Unknown.
func (r *Recorder) LeaveIntent(room, member string) simpleCall {
	return simpleCall{r.begin(Event{Kind: KindLeaveIntent, Subject: room, Object: member})}
}

// Watch records the list of members from which this process folds the news of the room, at first and after each gap.
func (r *Recorder) Watch(room string, members []string) {
	r.write(Event{Kind: KindWatch, Subject: room, Names: members})
}

// Unwatch records that news of the room may be missing, so the process folds none until the next Watch.
func (r *Recorder) Unwatch(room string) { r.write(Event{Kind: KindWatch, Subject: room, Count: -1}) }

// News records that a member joined or left, as the room's news say.
func (r *Recorder) News(room, member string, joined bool) {
	e := Event{Kind: KindNews, Subject: room, Object: member, Count: -1}
	if joined {
		e.Count = 1
	}
	r.write(e)
}

// MembersCall is a list without its answer yet.
type MembersCall struct{ call }

// MembersIntent records that the whole list of a room is asked for.
func (r *Recorder) MembersIntent(room string) MembersCall {
	return MembersCall{r.begin(Event{Kind: KindMembersIntent, Subject: room})}
}

// Done records the list and the total that the backend counted.
func (c MembersCall) Done(members []string, total int) {
	c.end(Event{Outcome: OK, Names: members, Count: int64(total)})
}
