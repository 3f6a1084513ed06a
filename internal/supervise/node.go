//go:build unix

package supervise

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Node is the connection of this process to its supervisor.
type Node struct {
	number   int
	link     *link
	alone    bool
	sockets  chan received
	proceed  chan struct{}
	replaced chan struct{}
	news     chan News
	orphaned chan struct{}
	ended    sync.WaitGroup

	asking  sync.Mutex // one request for a socket at a time; the supervisor answers at once
	sending sync.Mutex
}

// received is the answer to a request for a socket.
type received struct {
	reply *socketReply
	ln    net.Listener // nil if there is an error
	err   error        // of the transfer
}

// aloneMark ends the value of the variable of a node that is alone.
const aloneMark = ":alone"

// linkFD is the file descriptor of the link in a node.
const linkFD = 3

// Join returns the connection of this process to its supervisor, or nil if this process has none. Programs that this
// process executes are not nodes.
func Join() (*Node, error) {
	value := os.Getenv(variable)
	if err := os.Unsetenv(variable); value == "" || err != nil {
		return nil, err
	}
	value, alone := strings.CutSuffix(value, aloneMark)
	number, parent, _ := strings.Cut(value, ":")
	n, err := strconv.Atoi(number)
	if pid, failed := strconv.Atoi(parent); err != nil || failed != nil || pid != os.Getppid() {
		return nil, fmt.Errorf("the variable %s is %q: only a supervisor sets it; unset it, or the supervisor has ended", variable, value)
	}
	syscall.CloseOnExec(linkFD)
	link, err := newLink(os.NewFile(linkFD, "supervisor"))
	if err != nil {
		return nil, fmt.Errorf("%s has no connection to its supervisor: %w", nameOf(n), err)
	}
	node := &Node{
		number: n, alone: alone, link: link, sockets: make(chan received, 1), proceed: make(chan struct{}), replaced: make(chan struct{}),
		news: make(chan News, 1), orphaned: make(chan struct{}),
	}
	node.ended.Go(node.receive)
	return node, nil
}

// Number returns the number of this node, which no other living node of the supervisor has. It is at least 1 and at most
// one more than the number of nodes, because a node and its successor live at the same time.
func (n *Node) Number() int { return n.number }

// Alone reports whether the backend of this node belongs to one process at a time: this node must call AwaitTurn before
// it opens the backend.
func (n *Node) Alone() bool { return n.alone }

// AwaitTurn says that this node has done everything that it can do while another process has the backend open, and
// blocks until no other process has it open.
func (n *Node) AwaitTurn(ctx context.Context) error {
	if err := n.send(message{Prepared: true}); err != nil {
		return fmt.Errorf("the supervisor cannot be reached: %w", err)
	}
	select {
	case <-n.proceed:
		return nil
	case <-n.orphaned:
		return errors.New("the supervisor has ended")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// News returns a channel with the latest news of the parent.
func (n *Node) News() <-chan News { return n.news }

// Replaced returns a channel that is closed when another node has taken the place of this one. The node then must accept
// no more, finish what it has begun, and end.
func (n *Node) Replaced() <-chan struct{} { return n.replaced }

// Orphaned returns a channel that is closed when the supervisor has ended. The node must end.
func (n *Node) Orphaned() <-chan struct{} { return n.orphaned }

func (n *Node) receive() {
	defer close(n.orphaned)
	for {
		m, err := n.link.receive()
		switch {
		case err != nil:
			return
		case m.Socket != nil:
			answer := received{reply: m.Socket}
			if *m.Socket == (socketReply{}) {
				answer.ln, answer.err = n.link.socket()
			}
			n.sockets <- answer
		case m.Proceed:
			close(n.proceed)
		case m.Replaced:
			close(n.replaced)
		case m.News != nil:
			select {
			case <-n.news: // it is out of date
			default:
			}
			n.news <- *m.News
		}
	}
}

// Listen returns a listener of the socket with this name and address. All nodes that ask for the same have copies of one
// socket. An error has the [syscall.Errno] of the system.
//
// If the supervisor stops, Listen waits for the end of ctx: the signal to stop ends the start of this node. An error of
// Listen before that signal would look like a failed start.
func (n *Node) Listen(ctx context.Context, name, network, address string) (net.Listener, error) {
	n.asking.Lock()
	defer n.asking.Unlock()
	if err := n.send(message{Listen: &listenRequest{name, network, address}}); err != nil {
		return nil, fmt.Errorf("the supervisor cannot be asked for the socket of %s: %w", name, err)
	}
	select {
	case answer := <-n.sockets:
		if answer.reply.Stopping {
			return nil, n.awaitStop(ctx)
		}
		return answer.ln, errors.Join(answer.reply.err(network), answer.err)
	case <-n.orphaned:
		return nil, errors.New("the supervisor has ended")
	}
}

// awaitStop waits for the end of ctx or of the supervisor.
func (n *Node) awaitStop(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("the supervisor stops all nodes: %w", ctx.Err())
	case <-n.orphaned:
		return errors.New("the supervisor has ended")
	}
}

// Ready says that this node serves. The text is printed once for all nodes. The supervisor kills a node whose stop takes
// longer than the StopLimit.
func (n *Node) Ready(r Readiness) error { return n.send(message{Ready: &r}) }

func (n *Node) send(m message) error {
	n.sending.Lock()
	defer n.sending.Unlock()
	return n.link.send(m)
}

// Close ends the connection. It is for the end of the process.
func (n *Node) Close() error {
	err := n.link.Close()
	n.ended.Wait()
	return err
}
