package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const connections = 64

// load returns a load: for a duration, one request at a time on each connection.
func load(addr string) func(time.Duration) (int, error) { return loadWith(addr, "") }

// loadWith returns a load whose requests have more headers, each with its line break.
func loadWith(addr, headers string) func(time.Duration) (int, error) {
	return loadPath(addr, path+"?limit=10&offset=5", headers)
}

// loadPath is loadWith for another path.
func loadPath(addr, path, headers string) func(time.Duration) (int, error) {
	return loadRequest(addr, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n"+headers+"\r\n")
}

// loadRequest is loadWith for any request.
func loadRequest(addr, request string) func(time.Duration) (int, error) {
	return parallel(connections, func(_ int, stop time.Time) (int, error) { return loadOne(addr, request, stop) })
}

// loadFew is loadRequest on fewer connections for a message of many bytes, so that they do not fill the memory.
func loadFew(addr, request string, bytes int) func(time.Duration) (int, error) {
	return parallel(max(2, min(connections, 4_000_000/bytes)), func(_ int, stop time.Time) (int, error) { return loadOne(addr, request, stop) })
}

func loadOne(addr, request string, stop time.Time) (n int, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return loadConn(conn, request, func(int) bool { return time.Now().Before(stop) })
}

// loadConn sends requests on a connection while more returns true for the number of those that were answered.
func loadConn(conn net.Conn, request string, more func(int) bool) (n int, err error) {
	in := bufio.NewReader(conn)
	for more(n) {
		if _, err := io.WriteString(conn, request); err != nil {
			return n, err
		}
		if err := skipAnswer(in); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

var (
	lengthHeader  = []byte("content-length: ")
	chunkedHeader = []byte("transfer-encoding: chunked")
	statusOK      = []byte("HTTP/1.1 200 ")
)

// skipChunks discards a body in chunks.
func skipChunks(in *bufio.Reader) error {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 31)
		if err != nil {
			return err
		}
		if _, err := in.Discard(int(size) + len("\r\n")); err != nil || size == 0 {
			return err
		}
	}
}

// skipAnswer reads an answer at minimal cost: it looks at the status and the length, and discards the body.
func skipAnswer(in *bufio.Reader) error {
	length, chunked := -1, false
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case first && !bytes.HasPrefix(line, statusOK):
			return fmt.Errorf("the answer is %q", line)
		case len(line) <= 2:
			if chunked {
				return skipChunks(in)
			}
			if length < 0 {
				return fmt.Errorf("the answer has no Content-Length")
			}
			_, err := in.Discard(length)
			return err
		case len(line) > len(chunkedHeader) && bytes.EqualFold(line[:len(chunkedHeader)], chunkedHeader):
			chunked = true
		case len(line) > len(lengthHeader) && bytes.EqualFold(line[:len(lengthHeader)], lengthHeader):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(lengthHeader):]))); err != nil {
				return err
			}
		}
	}
}

// check sends one request and returns an error if the answer is not the expected one.
func check(addr string) error {
	resp, err := http.Get("http://" + addr + path + "?limit=10&offset=5")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var got answer
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("%w: %s", err, body)
	}
	if want := (params{10, 5, "randomNumber"}); resp.StatusCode != 200 || got.Requestor.Params != want || got.Error != "OK" || got.RandomNumber == 0 ||
		resp.Header.Get("X-Powered-By") != poweredBy {
		return fmt.Errorf("unexpected answer: %s %s", resp.Status, body)
	}
	return nil
}
