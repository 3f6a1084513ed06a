package main

import (
	"bufio"
	"strings"
	"testing"
)

func TestTheLoadReadsEachAnswerToItsEnd(t *testing.T) {
	t.Parallel()
	in := bufio.NewReader(strings.NewReader("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"a\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nrest"))
	for range 3 {
		if err := skipAnswer(in); err != nil {
			t.Fatal(err)
		}
	}
	if rest, _ := in.Peek(4); string(rest) != "rest" {
		t.Errorf("%q is next", rest)
	}
	for _, bad := range []string{"HTTP/1.1 404 Not Found\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"} {
		if skipAnswer(bufio.NewReader(strings.NewReader(bad))) == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
