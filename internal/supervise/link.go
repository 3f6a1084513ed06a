//go:build unix

package supervise

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"syscall"
)

// message is what a node and its supervisor say to each other: one line of JSON. At most one of its fields is set.
type message struct {
	Listen   *listenRequest `json:"listen,omitempty"`   // of a node
	Prepared bool           `json:"prepared,omitempty"` // of a node: it waits for Proceed
	Ready    *Readiness     `json:"ready,omitempty"`    // of a node
	Socket   *socketReply   `json:"socket,omitempty"`   // of a supervisor: the answer to Listen
	Proceed  bool           `json:"proceed,omitempty"`  // of a supervisor: no other node has the backend
	Replaced bool           `json:"replaced,omitempty"` // of a supervisor: another node takes the place of this one
	News     *News          `json:"news,omitempty"`     // of a supervisor
}

// listenRequest asks for a socket.
type listenRequest struct {
	Name    string `json:"name"`
	Network string `json:"network"`
	Address string `json:"address"`
}

// socketReply is the answer to a listenRequest. If it has no error, a file descriptor comes with it.
type socketReply struct {
	Errno    int    `json:"errno,omitempty"` // of the system, if the error has one
	Error    string `json:"error,omitempty"`
	Stopping bool   `json:"stopping,omitempty"` // there is no further socket, because all nodes get a signal to stop
}

func (r *socketReply) err(network string) error {
	if r.Errno != 0 {
		return &net.OpError{Op: "listen", Net: network, Err: os.NewSyscallError("bind", syscall.Errno(r.Errno))}
	}
	if r.Error != "" {
		return errors.New(r.Error)
	}
	return nil
}

// link is one end of the connection between a node and its supervisor.
type link struct {
	*net.UnixConn
	buf []byte // received, but no whole message
	fds []int  // received, but not taken
}

// maxMessage bounds a message, in bytes.
const maxMessage = 64 << 10

var errTooLong = errors.New("a message between a node and its supervisor is too long")

// newLinks returns the two ends of a connection. The end for the node is a file for [os/exec.Cmd].
func newLinks() (*link, *os.File, error) {
	syscall.ForkLock.RLock()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(pair[0])
		syscall.CloseOnExec(pair[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	node := os.NewFile(uintptr(pair[1]), "node")
	l, err := newLink(os.NewFile(uintptr(pair[0]), "supervisor"))
	if err != nil {
		_ = node.Close()
		return nil, nil, err
	}
	return l, node, nil
}

// newLink returns the end of a connection whose socket is file, which it closes.
func newLink(file *os.File) (*link, error) {
	defer file.Close()
	nc, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	uc, ok := nc.(*net.UnixConn)
	if !ok {
		_ = nc.Close()
		return nil, syscall.ENOTSOCK
	}
	return &link{UnixConn: uc}, nil
}

// send sends a message. fds are file descriptors that the receiver gets copies of.
func (l *link) send(m message, fds ...int) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if len(line) > maxMessage {
		return errTooLong
	}
	var rights []byte
	if len(fds) > 0 {
		rights = syscall.UnixRights(fds...)
	}
	n, _, err := l.WriteMsgUnix(line, rights, nil)
	if err == nil && n < len(line) {
		_, err = l.Write(line[n:])
	}
	return err
}

// receive returns the next message.
func (l *link) receive() (m message, err error) {
	space, rights := make([]byte, 4096), make([]byte, syscall.CmsgSpace(4))
	for {
		if line, rest, ok := bytes.Cut(l.buf, []byte("\n")); ok {
			l.buf = rest
			return m, json.Unmarshal(line, &m)
		}
		if len(l.buf) > maxMessage {
			return m, errTooLong
		}
		n, oob, _, _, err := l.ReadMsgUnix(space, rights)
		if err != nil {
			return m, err
		}
		if n == 0 && oob == 0 {
			return m, errors.New("the other end is closed")
		}
		l.buf = append(l.buf, space[:n]...)
		if err := l.takeRights(rights[:oob]); err != nil {
			return m, err
		}
	}
}

func (l *link) takeRights(oob []byte) error {
	if len(oob) == 0 {
		return nil
	}
	messages, err := syscall.ParseSocketControlMessage(oob)
	for i := range messages {
		fds, failed := syscall.ParseUnixRights(&messages[i])
		l.fds = append(l.fds, fds...)
		err = errors.Join(err, failed)
	}
	return err
}

// socket returns the file descriptor that came with the last message, as a listener.
func (l *link) socket() (net.Listener, error) {
	if len(l.fds) == 0 {
		return nil, errors.New("the supervisor has sent no socket")
	}
	file := os.NewFile(uintptr(l.fds[0]), "socket")
	l.fds = l.fds[1:]
	defer file.Close()
	return net.FileListener(file)
}
