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
	"sync"
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
	return func(d time.Duration) (int, error) {
		stop := time.Now().Add(d)
		counts, errs := make([]int, connections), make([]error, connections)
		var wg sync.WaitGroup
		for i := range connections {
			wg.Go(func() { counts[i], errs[i] = loadOne(addr, request, stop) })
		}
		wg.Wait()
		total := 0
		for i := range connections {
			if errs[i] != nil {
				return 0, errs[i]
			}
			total += counts[i]
		}
		return total, nil
	}
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
	lengthHeader = []byte("content-length: ")
	statusOK     = []byte("HTTP/1.1 200 ")
)

// skipAnswer reads an answer at minimal cost: it looks at the status and the length, and discards the body.
func skipAnswer(in *bufio.Reader) error {
	length := -1
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case first && !bytes.HasPrefix(line, statusOK):
			return fmt.Errorf("the answer is %q", line)
		case len(line) <= 2:
			if length < 0 {
				return fmt.Errorf("the answer has no Content-Length")
			}
			_, err := in.Discard(length)
			return err
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
