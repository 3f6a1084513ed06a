//go:build unix

package supervise

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Sockets are the listening sockets that a process opens for its children. Each child that asks for the same name and
// address receives a copy of the same socket.
type Sockets struct {
	open OpenFunc

	mu   sync.Mutex
	list map[listenRequest]*ownedSocket
	done bool // no further sockets
}

// ownedSocket is a socket of the parent with the children that have copies of it.
type ownedSocket struct {
	Socket
	users map[*Child]struct{}
}

// NewSockets returns an empty set of sockets that open opens.
func NewSockets(open OpenFunc) *Sockets {
	return &Sockets{open: open, list: map[listenRequest]*ownedSocket{}}
}

// Open opens a socket before a child asks for it. If it is open already, Open does nothing.
func (s *Sockets) Open(name, network, address string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.find(listenRequest{name, network, address})
	return err
}

// Opened is a copy of an open socket, with the name under which the children ask for it.
type Opened struct {
	Name string
	net.Listener
}

// Copies returns a listener for each open TCP socket, in the order of the names. The caller closes the listeners, and
// the sockets stay open.
func (s *Sockets) Copies() (list []Opened, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, socket := range s.list {
		filed, ok := socket.Socket.(*net.TCPListener)
		if !ok {
			continue
		}
		file, failed := filed.File()
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		ln, failed := net.FileListener(file)
		if err = errors.Join(err, failed, file.Close()); failed == nil {
			list = append(list, Opened{key.Name, ln})
		}
	}
	slices.SortFunc(list, func(a, b Opened) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

// give sends a copy of the socket that c asks for to c. It opens the socket if no process has asked for it before.
func (s *Sockets) give(c *Child, want *listenRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	socket, err := s.find(*want)
	if err != nil {
		reply := &socketReply{Error: err.Error(), Stopping: s.done}
		if errno, ok := errors.AsType[syscall.Errno](err); ok {
			reply.Errno = int(errno)
		}
		return c.send(message{Socket: reply})
	}
	socket.users[c] = struct{}{}
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Control(func(fd uintptr) { sent = c.send(message{Socket: &socketReply{}}, int(fd)) })
	return errors.Join(err, sent)
}

func (s *Sockets) find(want listenRequest) (*ownedSocket, error) {
	if socket := s.list[want]; socket != nil {
		return socket, nil
	}
	if s.done {
		return nil, errors.New("the supervisor stops")
	}
	opened, err := s.open(context.Background(), want.Network, want.Address)
	if err != nil {
		return nil, err
	}
	socket := &ownedSocket{opened, map[*Child]struct{}{}}
	s.list[want] = socket
	return socket, nil
}

// forget records that c has ended.
func (s *Sockets) forget(c *Child) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, socket := range s.list {
		delete(socket.users, c)
	}
}

// CloseUnused closes the sockets that no child has, for example because the configuration has changed.
func (s *Sockets) CloseUnused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, socket := range s.list {
		if len(socket.users) == 0 {
			_ = socket.Close()
			delete(s.list, key)
		}
	}
}

// CloseAll closes all sockets, and opens no further ones. They stay open in the children that have copies.
func (s *Sockets) CloseAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
	for _, socket := range s.list {
		_ = socket.Close()
	}
	clear(s.list)
}
