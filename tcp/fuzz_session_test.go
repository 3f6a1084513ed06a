package tcp_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/tcp"
)

// fuzzLine is the longest line of FuzzSession.
const fuzzLine = 200

// FuzzSession sends any bytes, in chunks of any sizes, to a session. Each line that is not empty gets one reply, with its
// number, in valid JSON, up to the line that ends the connection.
func FuzzSession(f *testing.F) {
	s := fuzzServer(f)
	for _, text := range []string{
		"", "randomNumber\r\n", "\r\n \n\t\r\n", "a", "cacheTest\nparamAdd key=k\r\nparamAdd value=v=w\nparamsView\ncacheTest\nparamDelete key\nparamsDelete\r\n", "quit\nstatus\n",
		"{\"action\":\"randomNumber\"}\n{\"action\":\"cacheTest\",\"params\":{\"key\":\"a\",\"value\":[1]}}\n{\n", "say hi\nroomView\nroomChange x\nroomView\ndetailsView\nexit", "roomAdd x\nroomAdd\nroomLeave defaultRoom\nroomChange x\nroomLeave x\nroomAdd \xff\nroomLeave \xff\n", "\xff\xfe\n\x00\n",
		strings.Repeat("a", fuzzLine-1) + "\nb\n", strings.Repeat("a", fuzzLine) + "\nb\n", strings.Repeat("status\n", 150) + "close\n", "  status\r\r\n", "paramView\nparamView x\nroomChange\n",
		"say\n{\"action\":\"say\",\"params\":{\"room\":\"defaultRoom\",\"message\":\"m\"}}\nactionsView\n", "{\"action\":1}\n{}\n{\"params\":null}\n[]\nnull\n",
	} {
		f.Add([]byte(text), []byte{0, 3, 255})
	}
	f.Fuzz(func(t *testing.T, text, sizes []byte) {
		if bytes.Contains(text, []byte("file")) {
			return // the reply to the action file is not a line
		}
		client, server := net.Pipe()
		s.Serve(server)
		if ends(text) {
			go sendChunks(client, append(slices.Clone(text), "\r\nquit\r\n"...), sizes)
			readReplies(t, client)
			return
		}
		go sendChunks(client, append(slices.Clone(text), "\r\nquit\r\n"...), sizes)
		counts, last := readReplies(t, client)
		want, refused := expected(append(slices.Clone(text), "\r\nquit\r\n"...))
		if got := strings.Contains(last, "200 bytes at most"); got != refused {
			t.Fatalf("%q ends with %s", text, last)
		}
		if refused {
			counts = counts[:len(counts)-1] // the refusal has the number of the line before
		}
		slices.Sort(counts)
		for i, n := range counts {
			if n != i+1 {
				t.Fatalf("%q: the replies have the numbers %v", text, counts)
			}
		}
		if len(counts) != want {
			t.Fatalf("%q: %d replies to %d lines; the last is %s", text, len(counts), want, last)
		}
	})
}

// ends reports whether the server may end the connection within text: at HTTP, or at a byte of Telnet.
func ends(text []byte) bool {
	return bytes.ContainsAny(text, "\x04:") || bytes.IndexByte(text, 0xFF) >= 0 || bytes.Contains(text, []byte("HTTP/")) || regexp.MustCompile(`(?m)^\s*[A-Z]{3,7} `).Match(text)
}

func fuzzServer(f *testing.F) *tcp.Server {
	f.Helper()
	api := testkit.NewAPI(f)
	s := tcp.New(api, tcp.Config{Port: -1, BindIP: "127.0.0.1", MaxLineBytes: fuzzLine})
	api.Add(s)
	testkit.StartAPI(f, api)
	return s
}

// sendChunks sends text in chunks. It returns early if the server closes the connection.
func sendChunks(nc net.Conn, text, sizes []byte) {
	for i := 0; len(text) > 0; i++ {
		size := 4096
		if len(sizes) > 0 {
			size = 1 + int(sizes[i%len(sizes)])
		}
		n := min(size, len(text))
		if _, err := nc.Write(text[:n]); err != nil {
			return
		}
		text = text[n:]
	}
}

// readReplies reads until the connection ends. It returns the numbers of the replies, and the last reply.
func readReplies(t *testing.T, nc net.Conn) (counts []int, last string) {
	t.Helper()
	defer nc.Close()
	_ = nc.SetReadDeadline(time.Now().Add(time.Minute)) // all processors are busy while fuzzing
	in := bufio.NewReader(nc)
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF && line == "" {
			return counts, last
		}
		var reply struct {
			Context string `json:"context"`
			Count   int    `json:"messageCount"`
		}
		if err != nil || !strings.HasSuffix(line, "}\r\n") || json.Unmarshal([]byte(line), &reply) != nil {
			t.Fatalf("%q is not a reply: %v", line, err)
		}
		if reply.Context == "response" {
			counts, last = append(counts, reply.Count), line
		}
	}
}

// expected returns how many replies there must be, and whether a line is too long.
func expected(text []byte) (replies int, refused bool) {
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		if len(line) >= fuzzLine {
			return replies, true
		}
		line = bytes.TrimLeft(bytes.TrimSuffix(line, []byte("\r")), " \t")
		if text = rest; len(line) == 0 {
			continue
		}
		replies++
		word, _, _ := strings.Cut(string(line), " ")
		if word == "quit" || word == "exit" || word == "close" {
			break
		}
	}
	return replies, false
}
