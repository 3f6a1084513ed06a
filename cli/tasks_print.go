package cli

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
	"github.com/actionhero-go/actionhero/internal/control"
)

// printTable prints rows to out as a table with aligned columns. It escapes control characters in the cells.
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

// printable returns text with invisible characters, such as control characters, replaced by escape sequences.
func printable(text string) string {
	if !strings.ContainsFunc(text, isInvisible) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if isInvisible(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// printableLines is like printable, but keeps the ends of lines and the tabs.
func printableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		cells := strings.Split(line, "\t")
		for j := range cells {
			cells[j] = printable(cells[j])
		}
		lines[i] = strings.Join(cells, "\t")
	}
	return strings.Join(lines, "\n")
}

func isInvisible(r rune) bool { return !unicode.IsPrint(r) }

// maxError is the largest number of characters that a list of jobs prints of an error.
const maxError = 60

// printJobs prints a list of jobs, in a cluster with the nodes that run them or have run them last.
func printJobs(out io.Writer, jobs *[]control.Job, clustered bool) {
	if len(*jobs) == 0 {
		fmt.Fprintln(out, "There are no such jobs.")
		return
	}
	rows := [][]string{{"ID", "STATE", "TASK", "QUEUE", "RUN AT", "ATTEMPT", "NODE", "ERROR"}}
	for _, job := range *jobs {
		failure, _, _ := strings.Cut(job.Error, "\n")
		if runes := []rune(failure); len(runes) > maxError {
			failure = string(runes[:maxError]) + "…"
		}
		node := ""
		if clustered {
			node = job.Node
		}
		rows = append(rows, []string{strconv.FormatUint(job.ID, 10), job.State.String(), job.Task, job.Queue, clock(job.RunAt), attempts(&job), node, failure})
	}
	printList(out, rows)
}

func attempts(job *control.Job) string {
	if job.MaxAttempts == 0 {
		return strconv.Itoa(job.Attempt)
	}
	return fmt.Sprintf("%d of %d", job.Attempt, job.MaxAttempts)
}

// clock formats t in local time. It returns "-" for the zero time.
func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.DateTime)
}

func printJob(out io.Writer, id uint64, job *control.Job) {
	rows := [][]string{
		{"id", strconv.FormatUint(id, 10)}, {"task", job.Task}, {"state", job.State.String()},
		{"queue", job.Queue}, {"priority", strconv.Itoa(int(job.Priority))}, {"params", string(job.Params)},
		{"enqueued", clock(job.Enqueued)}, {"run at", clock(job.RunAt)}, {"started", clock(job.Started)}, {"finished", clock(job.Finished)},
		{"attempt", attempts(job)}, {"crashes", fmt.Sprintf("%d of %d", job.Crashes, job.MaxCrashes)}, {"starts", strconv.Itoa(job.Starts)},
	}
	if job.Cancelling {
		rows = append(rows, []string{"cancelling", "yes"})
	}
	if job.Timeout > 0 {
		rows = append(rows, []string{"timeout", job.Timeout.String()})
	} else if job.Timeout < 0 {
		rows = append(rows, []string{"timeout", "none"})
	}
	if job.Unique != "" {
		until := "until it has finished"
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

func printState(out io.Writer, id uint64, job *control.Job) {
	fmt.Fprintf(out, "job %d is %v\n", id, job.State)
}

func printCancelled(out io.Writer, id uint64, job *control.Job) {
	if job.State == backend.Running {
		fmt.Fprintf(out, "job %d is running, and is cancelled when its task returns\n", id)
		return
	}
	printState(out, id, job)
}

func printDeleted(out io.Writer, id uint64, _ *control.Job) {
	fmt.Fprintf(out, "job %d is deleted\n", id)
}

func printEnqueued(out io.Writer, added *control.Enqueued) {
	if added.Existing {
		fmt.Fprintf(out, "job %d exists already: the task is unique\n", added.ID)
		return
	}
	fmt.Fprintf(out, "job %d is enqueued\n", added.ID)
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

// maxIDs is the largest number of ids, or of ranges of ids, that a report of a repair prints.
const maxIDs = 20

func printRepaired(out io.Writer, done *local.Repaired, resume string) {
	if len(done.Lost) == 0 {
		fmt.Fprintf(out, "Nothing is damaged: there are %d jobs.\n", done.Jobs)
		return
	}
	more := ""
	if done.MoreLost {
		more = ", and an unknown number of further ones"
	}
	fmt.Fprintf(out, "There are %d jobs. These parts could not be read (%d commits%s):\n", done.Jobs, done.LostCommits, more)
	for _, place := range done.Lost {
		fmt.Fprintln(out, "  "+printable(place))
	}
	printMissing(out, done)
	if len(done.Held) > 0 {
		ids := make([]string, len(done.Held))
		for i, id := range done.Held {
			ids[i] = strconv.FormatUint(id, 10)
		}
		fmt.Fprintf(out, "%d jobs may have run, or have been cancelled or deleted, in the lost part. They are dead, and do not run: %s.\n", len(ids), listed(ids))
		fmt.Fprintf(out, "To let all of them run as before the damage, call %q. To run one of them, retry it.\n", resume)
	}
	fmt.Fprintln(out, "The damaged files were moved to these, which are not needed any more:")
	for _, file := range done.SetAside {
		fmt.Fprintln(out, "  "+printable(file))
	}
}

// printMissing prints which jobs are missing after a repair.
func printMissing(out io.Writer, done *local.Repaired) {
	if len(done.Missing) > 0 {
		ids := make([]string, len(done.Missing))
		for i, r := range done.Missing {
			if ids[i] = strconv.FormatUint(r.From, 10); r.To > r.From {
				ids[i] += fmt.Sprintf("-%d", r.To)
			}
		}
		fmt.Fprintf(out, "%d jobs are missing; those that had ended long before are among them: %s.\n", done.MissingJobs(), listed(ids))
	}
	if done.MissingUpTo > 0 {
		fmt.Fprintf(out, "Further jobs with ids up to %d may be missing, and it cannot be known which ones.\n", done.MissingUpTo)
	}
	if done.MissingFrom > 0 {
		fmt.Fprintf(out, "Further jobs with ids from %d on may be missing, and it cannot be known which ones.\n", done.MissingFrom)
	}
}

// listed joins at most maxIDs of the ids with commas.
func listed(ids []string) string {
	if rest := len(ids) - maxIDs; rest > 0 {
		return fmt.Sprintf("%s and %d more (see --json)", strings.Join(ids[:maxIDs], ", "), rest)
	}
	return strings.Join(ids, ", ")
}
