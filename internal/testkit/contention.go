package testkit

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Contention measures how much other processes slow this one down. A test multiplies a limit for a response time by
// [Contention.Slowdown], so that the limit is as strict on a machine with other work as on a quiet one. The goroutines of
// this process wait for each other within the Go scheduler, so a server that uses up the processors gains nothing here.
type Contention struct{ ran, waited time.Duration }

// StartContention begins a measurement.
func StartContention() Contention { return threadTimes() }

// maxSlowdown bounds Slowdown, so that a limit never loses its meaning.
const maxSlowdown = 20

// Slowdown returns by which factor the threads of this process needed longer since StartContention, because they waited
// for a processor. It is at least 1, and 1 if the system does not say.
func (c Contention) Slowdown() float64 {
	now := threadTimes()
	ran, waited := now.ran-c.ran, now.waited-c.waited
	if ran <= 0 || waited <= 0 {
		return 1
	}
	return min(1+float64(waited)/float64(ran), maxSlowdown)
}

// Stretch returns limit multiplied by Slowdown.
func (c Contention) Stretch(limit time.Duration) time.Duration {
	return time.Duration(float64(limit) * c.Slowdown())
}

// threadTimes adds up how long the threads of this process have run, and how long they were ready to run but waited for
// a processor. Only Linux says so; elsewhere both are zero.
func threadTimes() (sum Contention) {
	files, _ := filepath.Glob("/proc/self/task/*/schedstat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		fields := bytes.Fields(text)
		if err != nil || len(fields) < 2 { // the thread has ended
			continue
		}
		ran, _ := strconv.ParseInt(string(fields[0]), 10, 64)
		waited, _ := strconv.ParseInt(string(fields[1]), 10, 64)
		sum.ran += time.Duration(ran)
		sum.waited += time.Duration(waited)
	}
	return sum
}
