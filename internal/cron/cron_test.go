package cron

import (
	"math"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

func parseIn(t testing.TB, expr string, loc *time.Location) Schedule {
	t.Helper()
	s, err := Parse(expr, loc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestParseAndString(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		"* * * * *":                            "* * * * *",
		"30 2 * * *":                           "30 2 * * *",
		" \t05  02 1 1 0 ":                     "5 2 1 1 0",
		"5,3,4,59,0 1-3 31 1,3 *":              "0,3-5,59 1-3 31 1,3 *",
		"*/15 9-17 * JAN-JUN,12 MON-FRI":       "*/15 9-17 * 1-6,12 1-5",
		"0 0 * dec sun":                        "0 0 * 12 0",
		"0 0 * * 7":                            "0 0 * * 0",
		"0 0 * * 5-7":                          "0 0 * * 0,5-6",
		"0 0 * * fri-SUN":                      "0 0 * * 0,5-6",
		"0 0 * * 0-0":                          "0 0 * * 0",
		"0 0 * * 0-7":                          "0 0 * * *",
		"0 0 * * 1-7/2":                        "0 0 * * 0-1,3,5",
		"0 0 1-31 1-12/1 0-6":                  "0 0 * * *",
		"0-59 5 * * *":                         "* 5 * * *",
		"0 0-23 * * *":                         "0 * * * *",
		"10-50/20 */6 * * *":                   "10-50/20 */6 * * *",
		"*/59 0 * * *":                         "*/59 0 * * *",
		"0 9-17/1 * * *":                       "0 9-17/1 * * *",
		"0,30 9-17/1 * * *":                    "*/30 9-17 * * *",
		"5-5/1 3 * * *":                        "5 3-3/1 * * *",
		"0,7,9-9/1 3,5,9 * * *":                "0,7,9 3,5,9-9/1 * * *",
		"0,7,9-9/1 3,5,9,10 * * *":             "0,7,9 3,5,9-10/1 * * *",
		"0 0 */2 */3 */4":                      "0 0 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31 1,4,7,10 0,4",
		"@hourly":                              "0 * * * *",
		"@daily":                               "0 0 * * *",
		"@midnight":                            "0 0 * * *",
		"@Weekly":                              "0 0 * * 0",
		"@monthly":                             "0 0 1 * *",
		"@yearly":                              "0 0 1 1 *",
		"@ANNUALLY":                            "0 0 1 1 *",
		"@every 90s":                           "@every 1m30s",
		"@EVERY  1h0.5m":                       "@every 1h0m30s",
		"@every 1s":                            "@every 1s",
		"0 0 29 2 *":                           "0 0 29 2 *",
		"0 0 30 2 MON":                         "0 0 30 2 1",
		"0,* 0 1 * *":                          "* 0 1 * *",
		strings.Repeat(" ", 247) + "1 1 1 1 1": "1 1 1 1 1",
	} {
		s := parseIn(t, expr, nil)
		if got := s.String(); got != want {
			t.Errorf("%q became %q, not %q", expr, got, want)
		}
		if again := parseIn(t, s.String(), nil); again != s {
			t.Errorf("%q: %+v was read back as %+v", expr, s, again)
		}
	}
	if got := (Schedule{}).String(); got != "" {
		t.Errorf("the zero value is %q", got)
	}
}

// The canonical form of the schedule with the most ranges is short enough for Parse.
func TestStringOfTheLongest(t *testing.T) {
	t.Parallel()
	s := Schedule{loc: time.UTC, elapsed: true}
	for v := range 60 {
		if v%3 != 2 {
			s.minutes |= 1 << v & allMinutes
			s.hours |= 1 << v & allHours
			s.days |= 1 << (v + 1) & allDays
			s.months |= 1 << (v + 1) & (1<<13 - 2)
			s.weekdays |= 1 << v & allWeekdays
		}
	}
	text := s.String()
	if len(text) > MaxLength || parseIn(t, text, nil) != s {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	const five = `there must be five fields (minute, hour, day of month, month, day of week; such as "30 2 * * MON-FRI"), not `
	const weekday = "day of week must be 0-7 or SUN-SAT (0 and 7 are Sunday), not "
	for expr, want := range map[string]string{
		"":                      five + "0",
		" \n":                   five + "0",
		"* * * *":               five + "4",
		"0 * * * * *":           five + "6",
		"61 * * * *":            "minute must be 0-59, not 61",
		"60 * * * *":            "minute must be 0-59, not 60",
		"-1 * * * *":            `minute must be 0-59, not "-1"`,
		"1- * * * *":            `minute must be 0-59, not "1-"`,
		"1-2-3 * * * *":         `minute must be 0-59, not "2-3"`,
		"+1 * * * *":            `minute must be 0-59, not "+1"`,
		"1,,2 * * * *":          `minute must be 0-59, not ""`,
		"1, * * * *":            `minute must be 0-59, not ""`,
		"** * * * *":            `minute must be 0-59, not "**"`,
		"*-5 * * * *":           `minute must be 0-59, not "*"`,
		"1_0 * * * *":           `minute must be 0-59, not "1_0"`,
		"٣ * * * *":             `minute must be 0-59, not "٣"`,
		"4294967297 * * * *":    "minute must be 0-59, not 4294967297",
		"* 24 * * *":            "hour must be 0-23, not 24",
		"* MON * * *":           `hour must be 0-23, not "MON"`,
		"* * 0 * *":             "day of month must be 1-31, not 0",
		"* * 32 * *":            "day of month must be 1-31, not 32",
		"* * ? * *":             `day of month must be 1-31, not "?"`,
		"* * L * *":             `day of month must be 1-31, not "L"`,
		"* * * 0 *":             "month must be 1-12 or JAN-DEC, not 0",
		"* * * 13 *":            "month must be 1-12 or JAN-DEC, not 13",
		"* * * JANUARY *":       `month must be 1-12 or JAN-DEC, not "JANUARY"`,
		"* * * * 8":             weekday + "8",
		"* * * * MON#2":         weekday + `"MON#2"`,
		"*/0 * * * *":           "minute must have a step of 1-59, not 0",
		"*/60 * * * *":          "minute must have a step of 1-59, not 60",
		"*/ * * * *":            `minute must have a step of 1-59, not ""`,
		"*/-1 * * * *":          `minute must have a step of 1-59, not "-1"`,
		"*/2/3 * * * *":         `minute must have a step of 1-59, not "2/3"`,
		"* */24 * * *":          "hour must have a step of 1-23, not 24",
		"* * * * */7":           "day of week must have a step of 1-6, not 7",
		"5/15 * * * *":          `minute must have a range before its step, such as 5-59/2 or */2, not "5/15"`,
		"* * * * 7/2":           `day of week must have a range before its step, such as 0-6/2 or */2, not "7/2"`,
		"* 22-2 * * *":          "hour must not have a range that runs backwards: write two ranges, not 22-2",
		"* * * * SAT-MON":       "day of week must not have a range that runs backwards: write two ranges, not SAT-MON",
		"30 2 30 2 *":           `it would never be due: no month of "2" has a day of "30"`,
		"0 0 31 2,4,JUN *":      `it would never be due: no month of "2,4,JUN" has a day of "31"`,
		"0 0 30-31 FEB 0-7":     `it would never be due: no month of "FEB" has a day of "30-31"`,
		"TZ=0":                  `"TZ=0" cannot stand here: the time zone has its own setting`,
		"TZ=UTC":                `"TZ=UTC" cannot stand here: the time zone has its own setting`,
		"CRON_TZ=":              `"CRON_TZ=" cannot stand here: the time zone has its own setting`,
		"cron_tz=UTC * * * * *": `"cron_tz=UTC" cannot stand here: the time zone has its own setting`,
		"@reboot":               `"@reboot" is unknown: write @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually, @every 90s or five fields`,
		"@":                     `"@" is unknown: write @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually, @every 90s or five fields`,
		"@daily 5":              `nothing may follow @daily, but "5" does`,
		"@every":                "one duration must follow @every, such as 90s or 1h30m, not 0 words",
		"@every 1h 30m":         "one duration must follow @every, such as 90s or 1h30m, not 2 words",
		"@every 90":             `"90" is not a duration: write @every 90s or @every 1h30m`,
		"@every 9999999999h":    `"9999999999h" is not a duration: write @every 90s or @every 1h30m`,
		"@every 0s":             "the duration after @every must be a whole number of seconds, 1s or more, not 0s",
		"@every -1s":            "the duration after @every must be a whole number of seconds, 1s or more, not -1s",
		"@every 999ms":          "the duration after @every must be a whole number of seconds, 1s or more, not 999ms",
		"@every 1.5s":           "the duration after @every must be a whole number of seconds, 1s or more, not 1.5s",
	} {
		s, err := Parse(expr, time.UTC)
		if err == nil || s != (Schedule{}) {
			t.Errorf("%q gave %v, %v", expr, s, err)
			continue
		}
		if _, got, _ := strings.Cut(err.Error(), "\": "); !strings.HasPrefix(err.Error(), "cron \"") || got != want {
			t.Errorf("%q gave:\n%s\nnot:\n%s", expr, got, want)
		}
	}
	_, err := Parse(strings.Repeat("1,", 124)+"1 * * * *", nil)
	if want := "a cron expression must be of at most 256 bytes, not 257"; err == nil || err.Error() != want {
		t.Errorf("the error is %v, not %s", err, want)
	}
	_, err = Parse("61 * * * *", nil)
	if want := `cron "61 * * * *": minute must be 0-59, not 61`; err == nil || err.Error() != want {
		t.Errorf("the error is %v, not %s", err, want)
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	for a, b := range map[string]string{
		"@daily": "0 0 * * 0-7", "*/20 * * * *": "0,20,40 0-23 * * *", "@every 60s": "@every 1m", "0 0 * * SUN": "@weekly",
	} {
		if parseIn(t, a, nil) != parseIn(t, b, time.UTC) {
			t.Errorf("%s is not %s", a, b)
		}
	}
	if parseIn(t, "0 */6 * * *", nil) == parseIn(t, "0 0,6,12,18 * * *", nil) {
		t.Error("a schedule that follows elapsed time equals one that follows the calendar")
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	const layout = "2006-01-02T15:04:05Z07:00"
	for _, test := range []struct{ zone, expr, after, want string }{
		{"UTC", "* * * * *", "2026-05-05T10:00:00Z", "2026-05-05T10:01:00Z 2026-05-05T10:02:00Z"},
		{"UTC", "* * * * *", "2026-05-05T10:00:59Z", "2026-05-05T10:01:00Z"},
		{"UTC", "59 23 31 12 *", "2026-12-31T23:58:59Z", "2026-12-31T23:59:00Z 2027-12-31T23:59:00Z"},
		{"UTC", "*/15 9-17 * * MON-FRI", "2026-05-01T17:45:00Z", "2026-05-04T09:00:00Z 2026-05-04T09:15:00Z"},
		// Either day, as in POSIX. A field that allows all values restricts nothing.
		{"UTC", "0 9 1 * MON", "2026-05-28T00:00:00Z", "2026-06-01T09:00:00Z 2026-06-08T09:00:00Z"},
		{"UTC", "0 9 1 * MON", "2026-06-29T12:00:00Z", "2026-07-01T09:00:00Z 2026-07-06T09:00:00Z"},
		{"UTC", "0 9 1-31 * MON", "2026-06-29T12:00:00Z", "2026-07-06T09:00:00Z"},
		{"UTC", "0 9 13 * 0-6", "2026-06-29T12:00:00Z", "2026-07-13T09:00:00Z"},
		{"UTC", "0 0 30 2 MON", "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"},
		{"UTC", "0 0 31 * *", "2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z 2026-05-31T00:00:00Z"},
		// Leap years.
		{"UTC", "0 0 29 2 *", "2097-01-01T00:00:00Z", "2104-02-29T00:00:00Z 2108-02-29T00:00:00Z"},
		{"UTC", "0 0 29 2 *", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"America/New_York", "*/30 0 29 FEB *", "2097-01-01T00:00:00Z", "2104-02-29T00:00:00-05:00 2104-02-29T00:30:00-05:00 2108-02-29T00:00:00-05:00"},
		// A skipped time is due once, after the gap. A repeated time is due the first time.
		{"America/New_York", "30 2 * * *", "2026-03-07T12:00:00-05:00", "2026-03-08T03:00:00-04:00 2026-03-09T02:30:00-04:00"},
		{"America/New_York", "0,10,30 2,3 * * *", "2026-03-08T00:00:00-05:00", "2026-03-08T03:00:00-04:00 2026-03-08T03:10:00-04:00"},
		{"America/New_York", "30 1 * * *", "2026-10-31T12:00:00-04:00", "2026-11-01T01:30:00-04:00 2026-11-02T01:30:00-05:00"},
		{"America/New_York", "30 1 * * *", "2026-11-01T01:10:00-05:00", "2026-11-02T01:30:00-05:00"},
		{"America/New_York", "0,30 0-3 1 11 *", "2026-11-01T00:30:00-04:00", "2026-11-01T01:00:00-04:00 2026-11-01T01:30:00-04:00 2026-11-01T02:00:00-05:00"},
		{"America/Sao_Paulo", "@daily", "2018-11-03T12:00:00-03:00", "2018-11-04T01:00:00-02:00 2018-11-05T00:00:00-02:00"},
		{"America/Havana", "@daily", "2026-10-31T12:00:00-04:00", "2026-11-01T00:00:00-04:00 2026-11-02T00:00:00-05:00"},
		{"Europe/Berlin", "30 2 * * *", "2100-03-27T12:00:00+01:00", "2100-03-28T03:00:00+02:00 2100-03-29T02:30:00+02:00"},
		// A * or a step follows elapsed time.
		{"America/New_York", "30 * * * *", "2026-03-08T01:00:00-05:00", "2026-03-08T01:30:00-05:00 2026-03-08T03:30:00-04:00"},
		{"America/New_York", "30 * * * *", "2026-11-01T01:00:00-04:00", "2026-11-01T01:30:00-04:00 2026-11-01T01:30:00-05:00 2026-11-01T02:30:00-05:00"},
		{"America/New_York", "*/30 1 * * *", "2026-11-01T01:00:00-04:00", "2026-11-01T01:30:00-04:00 2026-11-01T01:00:00-05:00 2026-11-01T01:30:00-05:00 2026-11-02T01:00:00-05:00"},
		{"America/New_York", "*/30 2 * * *", "2026-03-07T12:00:00-05:00", "2026-03-09T02:00:00-04:00"},
		// Half an hour of daylight saving: 02:00 becomes 02:30, and 02:00 becomes 01:30.
		{"Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00:00+10:30", "2026-10-04T02:30:00+11:00 2026-10-05T02:15:00+11:00"},
		{"Australia/Lord_Howe", "45 1 * * *", "2026-04-04T12:00:00+11:00", "2026-04-05T01:45:00+11:00 2026-04-06T01:45:00+10:30"},
		{"Australia/Lord_Howe", "*/15 * * * *", "2026-04-05T01:40:00+11:00", "2026-04-05T01:45:00+11:00 2026-04-05T01:30:00+10:30 2026-04-05T01:45:00+10:30 2026-04-05T02:00:00+10:30"},
		// A day that Samoa skipped, and one that Kwajalein had twice (1969-09-30).
		{"Pacific/Apia", "30 2 * * *", "2011-12-29T00:00:00-10:00", "2011-12-29T02:30:00-10:00 2011-12-31T00:00:00+14:00 2011-12-31T02:30:00+14:00"},
		{"Pacific/Apia", "30 2 30 12 *", "2011-01-01T00:00:00-10:00", "2011-12-31T00:00:00+14:00 2012-12-30T02:30:00+14:00"},
		{"Pacific/Apia", "0 */12 * * *", "2011-12-29T00:00:00-10:00", "2011-12-29T12:00:00-10:00 2011-12-31T00:00:00+14:00"},
		{"Pacific/Kwajalein", "0 12 * * *", "1969-09-29T22:00:00Z", "1969-09-30T12:00:00+11:00 1969-10-01T12:00:00-12:00"},
		{"Pacific/Kwajalein", "0 */12 * * *", "1969-09-30T00:00:00Z", "1969-09-30T12:00:00+11:00 1969-09-30T12:00:00-12:00"},
		// Local mean time had seconds: 12:03:58 became 12:00:00.
		{"America/New_York", "0 * * * *", "1883-11-18T16:00:00Z", "1883-11-18T16:56:02Z 1883-11-18T17:00:00Z 1883-11-18T18:00:00Z"},
		{"America/New_York", "0 12 * * *", "1883-11-18T16:00:00Z", "1883-11-18T16:56:02Z 1883-11-19T17:00:00Z"},
		// Multiples since 1970, in every zone.
		{"UTC", "@every 90s", "1970-01-01T00:00:00Z", "1970-01-01T00:01:30Z 1970-01-01T00:03:00Z"},
		{"UTC", "@every 90s", "1970-01-01T00:01:29Z", "1970-01-01T00:01:30Z"},
		{"UTC", "@every 90s", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"},
		{"UTC", "@every 90s", "1969-12-31T23:58:29Z", "1969-12-31T23:58:30Z 1970-01-01T00:00:00Z"},
		{"Asia/Kolkata", "@every 24h", "2026-05-05T00:00:00Z", "2026-05-06T05:30:00+05:30"},
		// The ends of the calendar.
		{"UTC", "@hourly", "0001-01-01T00:00:00Z", "0001-01-01T01:00:00Z"},
		{"UTC", "@yearly", "9998-12-31T00:00:00Z", "9999-01-01T00:00:00Z never"},
	} {
		s := parseIn(t, test.expr, zone(t, test.zone))
		at, err := time.Parse(layout, test.after)
		if err != nil {
			t.Fatal(err)
		}
		at = at.Add(999 * time.Millisecond)
		for text := range strings.FieldsSeq(test.want) {
			want, err := time.Parse(layout, text)
			if text == "never" {
				want, err = time.Time{}, nil
			}
			if err != nil {
				t.Fatal(err)
			}
			got := s.Next(at)
			if !got.Equal(want) || text != "never" && got.Location() != s.loc {
				t.Errorf("%s in %s after %s: %s, not %s", test.expr, test.zone, at, got, want)
				break
			}
			at = got
		}
	}
}

func TestNextAtTheEdges(t *testing.T) {
	t.Parallel()
	if got := (Schedule{}).Next(time.Unix(0, 0)); !got.IsZero() {
		t.Errorf("the zero value is due at %s", got)
	}
	far := time.FixedZone("far", 100*day)
	if got := parseIn(t, "30 2 * * *", far).Next(time.Unix(0, 0)).Unix(); got != 150*minute {
		t.Errorf("with a clock that is 100 days ahead it is due at %d", got)
	}
	for _, expr := range []string{"* * * * *", "30 2 29 2 *", "@every 2562047h"} {
		for _, loc := range []*time.Location{time.UTC, time.Local, far, time.FixedZone("back", -100*day), zone(t, "Europe/Berlin")} {
			s := parseIn(t, expr, loc)
			for _, sec := range []int64{math.MinInt64, firstSecond - 1, firstSecond, 0, lastSecond - 1, lastSecond, math.MaxInt64} {
				after := time.Unix(sec, 5)
				if next := s.Next(after); !next.IsZero() && !next.After(after) && sec != math.MinInt64 || next.IsZero() && sec <= 0 {
					t.Errorf("%s in %s: %s comes after %s", expr, loc, next, after)
				}
			}
		}
	}
}

// A zone may skip every time of a schedule. The search must end.
func TestNeverInThisZone(t *testing.T) {
	t.Parallel()
	loc := skipping(t)
	if got := parseIn(t, "*/5 2 22 3 *", loc).Next(time.Unix(0, 0)); !got.IsZero() {
		t.Errorf("it is due at %s", got)
	}
	got, want := parseIn(t, "5 2 22 3 *", loc).Next(time.Unix(0, 0)), time.Date(1970, 3, 22, 2, 0, 0, 0, time.UTC)
	if !got.Equal(want) {
		t.Errorf("it is due at %s, not %s", got, want)
	}
}

// skipping returns a zone whose clock goes from 02:00 to 03:00 on each 22nd of March, as a file of RFC 9636.
func skipping(t testing.TB) *time.Location {
	t.Helper()
	const (
		header = "TZif2" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		empty  = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		counts = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x04"
		utc    = "\x00\x00\x00\x00\x00\x00" + "STD\x00"
	)
	loc, err := time.LoadLocationFromTZData("skipping", []byte(header+empty+header+counts+utc+"\nSTD0DST,J81/2,J300/3\n"))
	if err != nil {
		t.Fatal(err)
	}
	return loc
}
