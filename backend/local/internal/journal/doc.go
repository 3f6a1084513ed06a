// Package journal stores records durably in a folder: after a crash of the process or of the machine, every committed
// record is still there. The package does not know the meaning of the records.
//
// Begin reading with [Log]: [Open], then Reserve, Append and Wait. The user of a journal implements [Owner]. The only
// user is package queue.
//
// # Group commit
//
// A batch is a set of records that are committed together. Callers hold the owner's lock and append records to the one
// pending batch. They release the lock and then wait for that batch. One of the waiting callers, the leader, writes and
// syncs the batch for all. Meanwhile, the next batch collects records. No timer delays a commit, and one sync serves
// all callers that came during the previous sync. A batch is stored as a whole or not at all.
//
// # Files
//
// The journal consists of segments: files of a fixed size with consecutive numbers. Batches have consecutive numbers,
// too, and are stored in the segments one after the other. Before a segment is used, its file is filled with zeros,
// synced and renamed to its final name. A commit therefore changes only the bytes of the batch: it is one write and one
// sync, and needs no more disk space.
//
// The owner bounds the journal's length. For that, the owner copies all records that it still needs from the oldest
// segment to the end of the journal, and then drops the oldest segment.
//
// # Crashes and damage
//
// When the machine stops, at most the last batch is being written, and no caller has got a confirmation for that batch.
// Some of its sectors may be written, while the other sectors are still zero. These zeros distinguish a torn batch,
// which Open cuts off, from a damaged batch. If the last batch is incomplete but none of its sectors is zero, or if any
// other batch is incomplete, then committed bytes have changed. Opening then fails with a [DamageError] that names the
// file and the offset.
//
// [Salvage] reads all that is intact of a damaged journal. The numbers of the batches, the number of the oldest needed
// segment in each batch header and the end marker of each segment show where something is missing.
//
// The limits of this detection:
//
//   - The disk must write a sector as a whole or not at all, as disks are specified to do.
//   - If the last batch loses a whole sector after its commit, it looks torn.
//   - If the last batch is damaged elsewhere and has 512 zeros in its records, it looks torn.
//   - If the last batches are lost from the beginning of one of them on, they look as if they had never been written.
//   - If all files are missing, the journal looks new.
package journal
