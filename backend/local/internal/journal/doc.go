// Package journal stores records durably in a folder: after a crash of the process or of the machine, every committed
// record is still there. The package does not know what the records mean.
//
// Begin reading with [Log]: [Open], then Reserve, Append and Wait. Package queue is its only [Owner].
//
// # Group commit
//
// Callers append records, under the owner's lock, to the one pending batch, and then wait for that batch. One of the
// waiting callers, the leader, writes and syncs the batch for all. Meanwhile, the next batch collects records. No timer
// delays a commit, and one sync serves all callers that came during the previous one. A batch is stored as a whole or
// not at all.
//
// # Files
//
// The journal consists of segments: files of a fixed size with consecutive numbers. Batches, which are also numbered,
// are stored in them one after the other. A segment is filled with zeros, synced and renamed to its final name before
// it is used. A commit therefore changes only the bytes of the batch: it is one write and one sync, and needs no more
// disk space.
//
// The owner bounds the journal's length: it appends again what it still needs of the oldest segment, and then drops
// that segment.
//
// # Crashes and damage
//
// At most one batch, the last, is being written when the machine stops, and no caller has got it confirmed. Some of its
// sectors may be written and others not; the latter are still zero. This distinguishes a torn batch, which is cut off,
// from a damaged one. If the last batch is incomplete but none of its sectors is zero, or if any other batch is
// incomplete, then committed bytes have changed. Opening then fails with a [DamageError] that names the file and the
// offset.
//
// The limits of this detection:
//
//   - The disk must write a sector as a whole or not at all, as disks are specified to do.
//   - If the last batch loses a whole sector after its commit, it looks torn.
//   - If the last batch is damaged elsewhere and has 512 zeros in its records, it looks torn.
//   - If all files are missing, the journal looks new.
package journal
