package socketio

import (
	"slices"
	"sync"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/wire"
)

// command is a request that runs in the order of the client's packets: a connect to the namespace, or an event other
// than "action".
type command struct {
	member *member
	id     ackNumber
	name   string
	args   wire.Args
	err    error // the error of the arguments, or nil
	run    func(*command)
}

// ackNumber is a copy of the digits of an acknowledgement number. A command may run after the message of another command
// has been handled, so it must not share the memory of its own message.
type ackNumber struct {
	digits [maxID]byte
	n      int // 0: none
}

func ackNumberOf(id []byte) (a ackNumber) {
	a.n = copy(a.digits[:], id)
	return a
}

// bytes returns the digits, or nil if there is no number.
func (a *ackNumber) bytes() []byte {
	if a.n == 0 {
		return nil
	}
	return a.digits[:a.n]
}

// commandQueue runs the commands of one client one after the other, in the order in which the commands came. If a
// client sends the event "roomChange" and then "say", the message is therefore sent to the new room.
//
// The method add returns the commandQueue as the connloop.Request of each command. The connection loop may run these
// requests concurrently and in any order, because each call of Run runs the first waiting command.
type commandQueue struct {
	mu       sync.Mutex
	waiting  []command
	running  bool
	finished *sync.Cond // a command has finished; nil: none has waited yet
}

// add queues cmd and returns a request that runs the first command of the queue, which is not always cmd.
func (q *commandQueue) add(cmd command) connloop.Request {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, cmd)
	return q
}

// Run implements connloop.Request. If another command of the client is running, Run blocks until that command has
// finished. Run then runs the first waiting command.
func (q *commandQueue) Run() (done bool) {
	done = true // also after a panic
	cmd := q.begin()
	defer q.end()
	answered := false
	defer cmd.member.recoverPanic(cmd.id.bytes(), &answered)
	cmd.run(&cmd)
	answered = true
	return done
}

func (q *commandQueue) begin() (cmd command) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.running {
		if q.finished == nil {
			q.finished = sync.NewCond(&q.mu)
		}
		q.finished.Wait()
	}
	q.running = true
	cmd = q.waiting[0]
	if q.waiting = q.waiting[1:]; len(q.waiting) == 0 {
		q.waiting = nil
	}
	return cmd
}

func (q *commandQueue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running = false
	if q.finished != nil {
		q.finished.Signal()
	}
}

// completeConnect replies to the connect packet, sends the welcome message and moves the client into the default room.
func (cmd *command) completeConnect() {
	m, text := cmd.member, cmd.member.api.Config().WelcomeMessage // not the whole Config, which the function welcome would keep
	if !m.accept() {
		return
	}
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = appendConnectReply((*buf)[:0], m.conn.ID)
	m.session.Reply(*buf)
	welcome := func(room string) {
		*buf = wire.Welcome(appendEventHead((*buf)[:0], "welcome"), text, room)
		m.sendReply(buf)
	}
	object, failure := wire.Enter(m.ctx, nil, m.api, m.conn, welcome)
	if *buf = append(appendAnswerHead((*buf)[:0], nil), object...); failure != nil {
		m.sendAnswer(buf, failure)
	}
	m.api.Connected(m.ctx, m.conn)
}

// runCommand runs a command that all persistent transports have in common, for example "say", and sends the reply.
func (cmd *command) runCommand() {
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = appendAnswerHead((*buf)[:0], cmd.id.bytes())
	var failure *actionhero.Error
	if err := cmd.check(); err != nil {
		*buf, failure = wire.Failed(*buf, err)
	} else {
		*buf, failure = wire.RunCommand(cmd.member.ctx, *buf, cmd.member.api.API, cmd.member.conn, cmd.name, cmd.args)
	}
	cmd.member.sendAnswer(buf, failure)
}

// check returns the error of the arguments, or an error if the client has used up its allowance of requests.
func (cmd *command) check() error {
	if _, err := cmd.member.api.Admit(cmd.member.ip); err != nil {
		return err
	}
	return cmd.err
}

// quit disconnects the client. It sends a reply only if the client requested an acknowledgement. Otherwise the
// disconnect packet is the reply.
func (cmd *command) quit() {
	if cmd.id.n > 0 {
		buf := getBuffer()
		defer putBuffer(buf)
		*buf = wire.Status(appendAnswerHead((*buf)[:0], cmd.id.bytes()), "Bye!")
		cmd.member.sendReply(buf)
	}
	cmd.member.api.Closing(cmd.member.conn, "") // the client ends the connection
	cmd.member.Close("the client has quit")
}

// commandArguments maps the name of a command to the key of its first argument in the JSON object of the event. If the
// argument of the event is a string, that string is the first argument. Commands without arguments are not in the map.
var commandArguments = map[string]string{"say": "message", "roomChange": "room", "roomAdd": "room", "roomLeave": "room", "roomView": "room"}

var quitEvents = map[string]bool{"quit": true, "exit": true, "close": true}

// isKnownEvent reports whether name is the name of an event other than "action".
func isKnownEvent(name []byte) bool {
	return quitEvents[string(name)] || slices.Contains(commandNames, string(name))
}

var commandNames = wire.Commands()

func unknownEvent(quoted []byte) error {
	name, err := jsonx.Unquote(quoted)
	if err != nil {
		return errEventName
	}
	return wire.Unknown(name)
}

// arguments returns the arguments of a command. The parameter arg is the JSON text of an event's argument: an object
// with string members, or a string, which is the member named key. The object of "say" may also name the room. Any other
// member is an error, because a message with a misspelt room would be said in another room. If the member "message" is
// missing, arguments returns an error. A missing or wrong room is refused by package actionhero.
func arguments(event string, arg []byte, key string) (args wire.Args, err error) {
	found := key != "message"
	set := func(name string, raw []byte) error {
		if name != key && name != "room" {
			return actionhero.Errorf(actionhero.CodeInvalidInput, "%.64s is not a key of the event %s", name, event)
		}
		if raw[0] != '"' {
			return actionhero.Errorf(actionhero.CodeInvalidInput, "%s must be a string", name)
		}
		text, err := jsonx.Unquote(raw)
		if name == "room" {
			args.Room, args.NamesRoom = text, true
			return err
		}
		args.Text, found = text, true
		return err
	}
	switch {
	case len(arg) > 0 && arg[0] == '"':
		err = set(key, arg)
	case len(arg) > 0 && arg[0] == '{':
		err = jsonx.Members(arg, set)
	case arg != nil && string(arg) != "null":
		if err = jsonx.Valid(arg); err == nil {
			err = actionhero.Errorf(actionhero.CodeInvalidInput, "the argument of an event must be an object")
		}
	}
	if err == nil && !found {
		err = actionhero.Errorf(actionhero.CodeInvalidInput, "%s is a required key of say", key)
	}
	return args, err
}
