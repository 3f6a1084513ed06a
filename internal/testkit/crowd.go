package testkit

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// Reader is a client of a crowd: it reads everything that the server sends.
type Reader struct {
	Ask    string                 // the bytes of a request
	Answer string                 // a part of the answer, and of no other message
	Next   func() (string, error) // the next message
	net.Conn
}

// Readers maps the name of each persistent transport to a function that connects a Reader, which has read its welcome.
func (s *Server) Readers() map[string]func() (*Reader, error) {
	const patient = 6 * Wait
	frames := func(open func(net.Conn) (*Frames, error), ask string) func() (*Reader, error) {
		return func() (*Reader, error) {
			nc, err := net.Dial("tcp", s.Web.Addr().String())
			if err != nil {
				return nil, err
			}
			c, err := open(nc)
			if err != nil {
				return nil, err
			}
			return &Reader{Text(ask), `"connectedAt"`, c.Message, nc}, nil
		}
	}
	return map[string]func() (*Reader, error){
		"websocket": frames(func(nc net.Conn) (*Frames, error) { return OpenWS(nc, "", patient) }, `{"event":"detailsView"}`),
		"socketio":  frames(func(nc net.Conn) (*Frames, error) { return OpenSIO(nc, patient) }, `42["detailsView"]`),
		"tcp": func() (*Reader, error) {
			nc, err := net.Dial("tcp", s.Server.TCP.Addr().String())
			if err != nil {
				return nil, err
			}
			in := bufio.NewReader(nc)
			next := func() (string, error) {
				_ = nc.SetReadDeadline(time.Now().Add(patient))
				return in.ReadString('\n')
			}
			if got, err := next(); err != nil || !strings.Contains(got, `"welcome"`) {
				return nil, errors.Join(fmt.Errorf("the first line is %q", got), err, nc.Close())
			}
			return &Reader{"detailsView\r\n", `"connectedAt"`, next, nc}, nil
		},
	}
}

// Crowd connects n readers at the same time. After all have connected, each of them asks and must read its answer. Crowd
// returns one error for each reader that did not, and closes all of them.
func Crowd(n int, connect func() (*Reader, error)) error {
	var mu sync.Mutex
	var failures []error
	var connecting, readers sync.WaitGroup
	connecting.Add(n)
	together, begin := make(chan struct{}), make(chan struct{})
	for range n {
		readers.Go(func() {
			<-begin
			if err := crowdMember(connect, connecting.Done, together); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failures = append(failures, err)
			}
		})
	}
	close(begin)
	connecting.Wait()
	close(together)
	readers.Wait()
	return errors.Join(failures...)
}

func crowdMember(connect func() (*Reader, error), connected func(), together <-chan struct{}) error {
	r, err := connect()
	connected()
	if err != nil {
		return err
	}
	defer r.Close()
	var asking sync.WaitGroup
	defer asking.Wait()
	asking.Go(func() {
		<-together
		_, _ = r.Write([]byte(r.Ask)) // if it fails, reading fails, too
	})
	for {
		got, err := r.Next()
		if err != nil || strings.Contains(got, r.Answer) {
			return err
		}
	}
}
