package server

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
)

// printTable prints rows in columns. What is in them cannot do anything to a terminal.
func printTable(out io.Writer, rows [][]string) {
	var text bytes.Buffer
	tw := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = printable(cell)
		}
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	tw.Flush()
	for line := range strings.Lines(text.String()) {
		fmt.Fprintln(out, strings.TrimRight(line, " \n"))
	}
}

// printable shows characters that do something to a terminal as what they are.
func printable(text string) string {
	if !strings.ContainsFunc(text, isOdd) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if isOdd(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isOdd(r rune) bool { return !unicode.IsPrint(r) }

// maxError is how much of an error a list shows, in characters.
const maxError = 60

func printJobs(out io.Writer, jobs []jobView) {
	if len(jobs) == 0 {
		fmt.Fprintln(out, "There are no such jobs.")
		return
	}
	rows := [][]string{{"ID", "STATE", "TASK", "QUEUE", "RUN AT", "ATTEMPT", "ERROR"}}
	for i := range jobs {
		job := &jobs[i]
		failure, _, _ := strings.Cut(job.Error, "\n")
		if runes := []rune(failure); len(runes) > maxError {
			failure = string(runes[:maxError]) + "…"
		}
		rows = append(rows, []string{strconv.FormatUint(job.ID, 10), job.State.String(), job.Task, job.Queue, clock(job.RunAt), attempts(job), failure})
	}
	printTable(out, rows)
}

func attempts(job *jobView) string {
	if job.MaxAttempts == 0 {
		return strconv.Itoa(job.Attempt)
	}
	return fmt.Sprintf("%d of %d", job.Attempt, job.MaxAttempts)
}

// clock is a time as this machine's clocks show it.
func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.DateTime)
}

func printJob(out io.Writer, job *jobView) {
	rows := [][]string{
		{"id", strconv.FormatUint(job.ID, 10)}, {"task", job.Task}, {"state", job.State.String()},
		{"queue", job.Queue}, {"priority", strconv.Itoa(int(job.Priority))}, {"params", string(job.Params)},
		{"enqueued", clock(job.Enqueued)}, {"run at", clock(job.RunAt)}, {"started", clock(job.Started)}, {"finished", clock(job.Finished)},
		{"attempt", attempts(job)}, {"crashes", fmt.Sprintf("%d of %d", job.Crashes, job.MaxCrashes)}, {"starts", strconv.Itoa(job.Starts)},
	}
	if job.Cancelling {
		rows = append(rows, []string{"told to stop", "yes"})
	}
	if job.Timeout > 0 {
		rows = append(rows, []string{"timeout", job.Timeout.String()})
	}
	if job.Unique != "" {
		until := "until it has ended"
		if !job.UniqueUntil.IsZero() {
			until = "until " + clock(job.UniqueUntil)
		}
		rows = append(rows, []string{"unique", job.Unique + ", " + until})
	}
	if job.Node != "" {
		rows = append(rows, []string{"node", job.Node})
	}
	label := "error"
	for line := range strings.Lines(job.Error) {
		rows = append(rows, []string{label, strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\t", "    ")})
		label = ""
	}
	printTable(out, rows)
}

func printCancelled(out io.Writer, job *jobView) {
	if job.State == backend.Running {
		fmt.Fprintf(out, "job %d runs, and is told to stop\n", job.ID)
		return
	}
	fmt.Fprintf(out, "job %d is %v\n", job.ID, job.State)
}

func printStats(out io.Writer, stats *backend.QueueStats) {
	head := []string{""}
	for s := backend.Scheduled; s <= backend.Dead; s++ {
		head = append(head, strings.ToUpper(s.String()))
	}
	row := func(name string, counts backend.Counts) []string {
		cells := []string{name}
		for s := backend.Scheduled; s <= backend.Dead; s++ {
			cells = append(cells, strconv.Itoa(*counts.Of(s)))
		}
		return cells
	}
	rows := [][]string{head, row("all", stats.Total)}
	for _, name := range slices.Sorted(maps.Keys(stats.Queues)) {
		rows = append(rows, row("queue "+name, stats.Queues[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(stats.Tasks)) {
		rows = append(rows, row("task "+name, stats.Tasks[name]))
	}
	printTable(out, rows)
}

func printRepaired(out io.Writer, done *local.Repaired) {
	if len(done.Lost) == 0 {
		fmt.Fprintf(out, "Nothing is damaged: there are %d jobs.\n", done.Jobs)
		return
	}
	fmt.Fprintf(out, "There are %d jobs. What could not be read (at least %d changes):\n", done.Jobs, done.LostCommits)
	for _, place := range done.Lost {
		fmt.Fprintln(out, "  "+printable(place))
	}
	fmt.Fprintln(out, "Set aside, and not needed any more:")
	for _, file := range done.SetAside {
		fmt.Fprintln(out, "  "+printable(file))
	}
}
