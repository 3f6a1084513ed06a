package listen

import "net"

// maxUnsent is how many bytes may wait in the system for a client whose window is full. Linux would keep 4 MB for each,
// and a few hundred clients that do not read would use up the memory that it has for all of TCP, at the cost of
// everybody else. What is on its way to a client that does read is not counted, so nobody becomes slower.
const maxUnsent = 256 << 10

// bounded is a listener whose connections keep to maxUnsent.
type bounded struct{ net.Listener }

func (l bounded) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if tc, ok := nc.(*net.TCPConn); ok {
		limitUnsent(tc)
	}
	return nc, err
}
