package docrun

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// answerLimit is the time within which a server must answer, on a busy machine too.
const answerLimit = 20 * time.Second

// Session is a connection over TCP, as nc opens it.
type Session struct {
	conn net.Conn
	in   *bufio.Reader
}

// Dial opens a Session, which is closed at the end of the test.
func Dial(t testing.TB, addr string) *Session {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &Session{conn, bufio.NewReader(conn)}
}

// Follow sends the lines of the block that begin with "> ", and compares each other line with the next line of the
// server. A line that begins with "$" is skipped.
func (s *Session) Follow(t testing.TB, b Block) {
	t.Helper()
	_ = s.conn.SetDeadline(time.Now().Add(answerLimit))
	for line := range strings.Lines(b.Text) {
		line = strings.TrimSuffix(line, "\n")
		if command, ok := strings.CutPrefix(line, "> "); ok {
			if _, err := io.WriteString(s.conn, command+"\n"); err != nil {
				t.Fatal(err)
			}
		} else if !strings.HasPrefix(line, "$") {
			got, err := s.in.ReadString('\n')
			if got = strings.TrimSpace(got); err != nil || !Matches(line, got) {
				t.Errorf("%s:%d shows %s\nbut the server says %s (%v)", b.File, b.Line, line, got, err)
			}
		}
	}
}
