package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/actionhero-go/actionhero/bench/internal/proc"
	"github.com/actionhero-go/actionhero/bench/internal/slices"
)

const (
	fileServer = "net/http FileServer"
	nginx      = "nginx"
	folderEnv  = "BENCH_FOLDER"
)

func init() {
	peers[fileServer] = func(addr string) error {
		mux := http.NewServeMux()
		mux.Handle("/public/", http.StripPrefix("/public/", http.FileServer(http.Dir(os.Getenv(folderEnv)))))
		return http.ListenAndServe(addr, mux)
	}
}

// files measures static files of three sizes. The load discards the bytes in the kernel, because copying them would cost more
// than the servers need to send them.
func files(ctx context.Context, l *scale) error {
	for _, file := range []struct {
		title string
		size  int
		conns int
	}{{"1 KB", 1 << 10, 64}, {"1 MB", 1 << 20, 8}, {"100 MB", 100 << 20, 2}} {
		name := fmt.Sprint(file.size) + ".bin"
		if err := os.WriteFile(filepath.Join(l.dir, name), bytes.Repeat([]byte("0123456789abcdef"), file.size/16), 0o600); err != nil {
			return err
		}
		if err := l.file(ctx, "A static file of "+file.title, "/public/"+name, file.size, file.conns); err != nil {
			return err
		}
	}
	return nil
}

func (l *scale) file(ctx context.Context, title, path string, size, conns int) error {
	names := l.withBase(fileServer, "actionhero")
	if _, err := exec.LookPath("nginx"); err == nil {
		names = append(names, nginx)
	}
	var targets []slices.Target
	for _, name := range names {
		s, err := l.startFiles(ctx, name)
		if err != nil {
			return err
		}
		defer func() { _ = s.Stop() }()
		if err := checkFile(s.Addr, path, size); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		targets = append(targets, slices.Target{Server: s, Load: loadFile(s.Addr, path, size, conns)})
	}
	return l.table(fmt.Sprintf("%s, %d connections", title, conns), targets)
}

func (l *scale) startFiles(ctx context.Context, name string) (*proc.Server, error) {
	switch name {
	case fileServer:
		return l.serve(ctx, name, folderEnv+"="+l.dir)
	case nginx:
		addr, err := proc.FreeAddr()
		if err != nil {
			return nil, err
		}
		config := filepath.Join(l.dir, "nginx.conf")
		text := fmt.Sprintf("daemon off; master_process off; pid %s/nginx.pid; error_log /dev/null; events {} http { access_log off; sendfile on; "+
			"tcp_nopush on; keepalive_requests 1000000000; server { listen %s; location /public/ { alias %s/; } } }", l.dir, addr, l.dir)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			return nil, err
		}
		return proc.Start(ctx, name, addr, nil, "nginx", "-c", config)
	}
	return startServerWith(ctx, name, l.ours, l.dir, []string{"ACTIONHERO_GENERAL_FLAT_FILE_DIRECTORY=" + l.dir})
}

func checkFile(addr, path string, size int) error {
	resp, err := http.Get("http://" + addr + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || n != int64(size)) {
		err = fmt.Errorf("unexpected answer: %s and %d bytes", resp.Status, n)
	}
	return err
}

// loadFile returns a load: for a duration, one request at a time on each connection. It counts a part of a file that is
// still under way at the end as a part of an answer.
func loadFile(addr, path string, size, conns int) func(time.Duration) (int, error) {
	request := []byte("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
	return func(d time.Duration) (int, error) {
		stop := time.Now().Add(d)
		counts, errs := make([]int, conns), make([]error, conns)
		var wg sync.WaitGroup
		for i := range conns {
			wg.Go(func() { counts[i], errs[i] = loadFileOne(addr, request, size, stop) })
		}
		wg.Wait()
		total := 0
		for i := range conns {
			if errs[i] != nil {
				return 0, errs[i]
			}
			total += counts[i]
		}
		return total, nil
	}
}

func loadFileOne(addr string, request []byte, size int, stop time.Time) (n int, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	in, space := bufio.NewReaderSize(conn, 4<<10), make([]byte, 1<<20)
	for time.Now().Before(stop) {
		if _, err := conn.Write(request); err != nil {
			return n, err
		}
		if err := skipHead(in); err != nil {
			return n, err
		}
		buffered := min(in.Buffered(), size)
		if _, err := in.Discard(buffered); err != nil {
			return n, err
		}
		if err := discard(conn.(*net.TCPConn), space, size-buffered); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// skipHead reads the head of an answer. The file follows.
func skipHead(in *bufio.Reader) error {
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case first && !bytes.HasPrefix(line, statusOK):
			return fmt.Errorf("the answer is %q", line)
		case len(line) <= 2:
			return nil
		}
	}
}

// discard drops the next n bytes of a connection without copying them out of the kernel (tcp(7), MSG_TRUNC). space is never
// written; its length limits the bytes of a call.
func discard(conn *net.TCPConn, space []byte, n int) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	err = raw.Read(func(fd uintptr) bool {
		for n > 0 {
			got, _, err := unix.Recvfrom(int(fd), space[:min(n, len(space))], unix.MSG_TRUNC)
			switch {
			case err == unix.EAGAIN:
				return false
			case err == unix.EINTR:
				continue
			case err == nil && got == 0:
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				failure = fmt.Errorf("the file ended %d bytes early: %w", n, err)
				return true
			}
			n -= got
		}
		return true
	})
	return errors.Join(err, failure)
}
