//go:build hostile && linux

package attack_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// A client that pipelines requests and reads late reads only its own bytes, not those that other clients sent meanwhile.
func TestAClientReadsNoBytesOfOthers(t *testing.T) {
	p := startProcess(t)
	late := p.dial(p.tcp)
	long := strings.Repeat("a", 300)
	file := `{"action":"file","params":{"fileName":"big.bin"}}` + "\n"
	p.send(late, file)
	if _, err := io.ReadFull(late, make([]byte, 200)); err != nil { // the file has begun, and blocks
		t.Fatal(err)
	}
	p.send(late, strings.Repeat(file, 79))
	p.lines()
	p.send(late, strings.Repeat(`{"action":"file","params":{"fileName":"`+long+`"}}`+"\n", 6))
	p.lines()
	for range 40 {
		other := p.lines()
		for range 40 {
			if _, err := other.Call("paramAdd password=" + strings.Repeat("hunter2", 40)); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := make(chan string, 1)
	go func() {
		_ = late.SetReadDeadline(time.Now().Add(3 * testkit.Wait))
		var rest bytes.Buffer
		buf := make([]byte, mib)
		for strings.Count(rest.String(), "is not found") < 6 {
			n, err := late.Read(buf)
			if clean := bytes.ReplaceAll(buf[:n], []byte("0123456789abcdef"), nil); len(clean) > 0 {
				rest.Write(clean)
			}
			if err != nil {
				break
			}
		}
		got <- rest.String()
	}()
	text := <-got
	if at := strings.Index(text, "hunter"); at >= 0 {
		t.Errorf("the client reads bytes of others: %.400q", text[max(at-100, 0):])
	} else if n := strings.Count(text, long+", is not found"); n != 6 {
		t.Errorf("the client reads %d of 6 answers with its own file name: %.300q", n, text)
	}
}

// The length of an answer is at most linear in the length of the request.
func TestXMLIsNoAmplifier(t *testing.T) {
	p := startProcess(t)
	list := "1" + strings.Repeat(",1", 9999)
	body := `{"outputType":"xml","value":{"` + strings.Repeat("n", 2000) + `":[` + list + `]}}`
	status, _, answer := p.do("POST", "/api/randomNumber", body, "Content-Type", "application/json")
	if len(answer) > 10*len(body)+10_000 {
		t.Errorf("%d: a request of %d bytes has an answer of %d bytes", status, len(body), len(answer))
	}
}

// Messages to members that do not read are not copied for each member, and the queues have a bound.
func TestMembersThatDoNotReadHoldNoMemory(t *testing.T) {
	p := startProcess(t)
	for range 40 {
		p.dial(p.tcp)
	}
	for range 20 {
		p.do("GET", "/socket.io/?EIO=4&transport=polling", "")
	}
	before := p.peak()
	p.post("/api/say", map[string]any{"room": "defaultRoom", "message": strings.Repeat("m", 3*mib)})
	for range 100 {
		p.post("/api/say", map[string]any{"room": "defaultRoom", "message": strings.Repeat("m", 60<<10)})
	}
	if grown := p.peak() - before; grown > 64*mib {
		t.Errorf("the process has grown by %d MiB", grown/mib)
	}
}

// An input of any type has the same budget as a typed one.
func TestSmallObjectsDoNotFillTheMemory(t *testing.T) {
	p := startProcess(t)
	body := `{"value":[{"a":0}` + strings.Repeat(`,{"a":0}`, 2*mib/8) + `]}`
	before := p.peak()
	status, _, answer := p.do("POST", "/api/anything", body, "Content-Type", "application/json")
	if grown := p.peak() - before; grown > 80*mib {
		t.Errorf("%d %.100s: a request of %d MiB takes %d MiB", status, answer, len(body)/mib, grown/mib)
	}
}

// A client that reads its answer slowly does not hold the params that it sent.
func TestSlowReadersHoldNoParams(t *testing.T) {
	p := startProcess(t)
	before := p.heap()
	body := `{"key":"k","value":"` + strings.Repeat("v", 8*mib) + `"}`
	for range 4 {
		nc := p.dial(p.http)
		p.send(nc, fmt.Sprintf("POST /api/cacheTest HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		if _, err := io.ReadFull(nc, make([]byte, 12)); err != nil { // the answer has begun
			t.Fatal(err)
		}
	}
	if grown := p.heap() - before; grown > 16*mib {
		t.Errorf("the heap has grown by %d MiB", grown/mib)
	}
}

// Requests with long params do not push older lines out of the log.
func TestTheLogCannotBeErased(t *testing.T) {
	p := startProcess(t, "ACTIONHERO_LOG_MAX_FILES=2", "ACTIONHERO_LOG_MAX_FILE_SIZE=2MiB")
	p.do("GET", "/api/randomNumber?key=evidence", "")
	for range 20 {
		p.post("/api/cacheTest", map[string]any{"key": "k", "value": strings.Repeat("v", 900<<10)})
	}
	found := func() bool {
		logs, _ := filepath.Glob(p.dir + "/log/*.log*")
		for _, path := range logs {
			if text, _ := os.ReadFile(path); bytes.Contains(text, []byte("evidence")) {
				return true
			}
		}
		return false
	}
	if !testkit.Within(atOnce, found) {
		t.Error("the line of the first request is gone")
	}
}

// Strangers cannot fill the cache of the app through the actions that demonstrate the cache.
func TestDemoActionsDoNotFillTheCache(t *testing.T) {
	p := startProcess(t, "ACTIONHERO_CACHE_MAX_BYTES=3MB")
	for _, size := range []int{120_000, 20_000, 2_000} {
		for i := range 60 {
			p.post("/api/actionClusterCacheTest", map[string]any{"key": fmt.Sprint("k", size, i), "value": strings.Repeat("v", size)})
		}
	}
	if status, body := p.post("/api/keep", map[string]any{"text": strings.Repeat("t", 50_000)}); status != http.StatusOK {
		t.Errorf("the app cannot keep its own value: %d %s", status, body[max(0, len(body)-300):])
	}
}

// Jobs that have ended do not keep new jobs out of the queue.
func TestEndedJobsDoNotFillTheQueue(t *testing.T) {
	p := startProcess(t, "ACTIONHERO_TASKS_MAX_BYTES=1MiB")
	for i := range 30 {
		if status, body := p.post("/api/work", map[string]any{"text": strings.Repeat("p", 100<<10)}); status != http.StatusOK {
			t.Fatalf("job %d is refused, but all others have ended: %d %.300s", i, status, body)
		}
		done := func() bool {
			var answer struct{ Runs int }
			p.action("worked", &answer)
			return answer.Runs == i+1
		}
		if !testkit.Within(atOnce, done) {
			t.Fatalf("job %d does not run", i)
		}
	}
}

// A client that allows no byte of its HTTP/2 answers holds little memory.
func TestHTTP2WithoutWindowHoldsNoMemory(t *testing.T) {
	cert, key, _ := testkit.Certificate(t)
	p := startProcess(t, "ACTIONHERO_HTTPS_SERVER_ENABLE=true", "ACTIONHERO_HTTPS_SERVER_PORT=-1", "ACTIONHERO_HTTPS_SERVER_BIND_IP=127.0.0.1",
		"ACTIONHERO_HTTPS_SERVER_CERT_FILE="+cert, "ACTIONHERO_HTTPS_SERVER_KEY_FILE="+key)
	before := p.heap()
	for range 40 {
		nc := tls.Client(p.dial(p.https), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}) //nolint:gosec // the server under test
		var requests strings.Builder
		requests.WriteString(h2Open)
		for stream := range uint32(250) {
			requests.WriteString(h2Get(2*stream+1, "/api/large"))
		}
		if _, err := io.WriteString(nc, requests.String()); err != nil {
			continue // the server ends a connection with too many streams
		}
	}
	grown := 0
	grows := func() bool {
		grown = max(grown, p.heap()-before)
		return grown > 300*mib
	}
	if testkit.Within(2*time.Second, grows) {
		t.Errorf("the heap has grown by %d MiB", grown/mib)
	}
}

// Uploads that stall hold a bounded number of bytes on the disk.
func TestStalledUploadsHaveABound(t *testing.T) {
	p := startProcess(t)
	head := "--x\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"f\"\r\n\r\n"
	part := strings.Repeat("u", 9*mib)
	for range 50 {
		nc := p.dial(p.http)
		_ = nc.SetWriteDeadline(time.Now().Add(5 * time.Second))
		_, _ = fmt.Fprintf(nc, "POST /api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n%s%s",
			len(head)+len(part)+100, head, part)
	}
	if bytes := p.openBytes(); bytes > 300*mib {
		t.Errorf("the uploads hold %d MiB on the disk", bytes/mib)
	}
}
