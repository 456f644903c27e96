/** Bugs that were made before, here or elsewhere: each is planted into the code for one run, and the simulation has to find it. */

export interface PlantedEdit {
  readonly file: string
  /** Stands exactly once in the file. */
  readonly from: string
  readonly to: string
}
export interface Plant {
  readonly name: string
  readonly edits: readonly PlantedEdit[]
}

export const plantedBugs: readonly Plant[] = [
  {
    name: 'an edit is acknowledged before it is on the disk',
    edits: [
      {
        file: '/server/workspace.ts',
        from: 'take: (actor, edit) => journal.write((write) => takeInAct(write, actor, edit)),',
        to: `take: (actor, edit) => new Promise((resolve, reject) => {
      journal.write(async (write) => { const answer = await takeInAct(write, actor, edit); resolve(answer); return answer }).catch(reject)
    }),`,
      },
    ],
  },
  {
    name: 'the server does not remember which numbers of a device it has answered',
    edits: [
      {
        file: '/server/workspace.ts',
        from: 'if (seen !== undefined)\n      return seen.digest',
        to: `if (seen !== undefined) {
      await write.trx.deleteFrom('edits').where('device', '=', edit.device).where('n', '=', edit.n).execute()
    }
    if (seen !== undefined && edit.n < 0)
      return seen.digest`,
      },
    ],
  },
  {
    name: 'an order is sent before its intent is written',
    edits: [
      {
        file: '/server/order-line.ts',
        from: `    crashpoint('before-intent')`,
        to: `    await connection.write(request)
    crashpoint('before-intent')`,
      },
    ],
  },
  {
    name: 'an order without an answer is sent again',
    edits: [
      {
        file: '/server/order-line.ts',
        from: `        // It stays a question. The store gets a moment to finish before it is read.
        return await change((write, order) => keepOrder(write, order, { nextPollAt: clock.now() + firstPollMs }))`,
        to: '        return await planAgain()',
      },
    ],
  },
  {
    name: 'seats on their way do not count as taken',
    edits: [
      {
        file: '/shared/serving.ts',
        from: 'const byStore = (license.available ?? Infinity) - associating.size',
        to: 'open = 0\n  const byStore = license.available ?? Infinity',
      },
    ],
  },
  {
    name: 'a refused edit goes to the others as it came',
    edits: [
      {
        file: '/server/workspace.ts',
        from: 'write.told(() => tell(edit.doc, live.epoch, net))',
        to: 'write.told(() => tell(edit.doc, live.epoch, edit.update))',
      },
    ],
  },
  {
    name: 'what the rules forbid is dropped in silence',
    edits: [
      {
        file: '/server/workspace.ts',
        from: `const net = Y.encodeStateAsUpdate(live.doc, stateBefore)
    const seq = await keepUpdate(write, edit.doc, live, net)
    const answer`,
        to: `if (refused !== undefined) {
      liveByDoc.delete(edit.doc)
      return { is: 'ack', seq: write.seq() }
    }
    const net = Y.encodeStateAsUpdate(live.doc, stateBefore)
    const seq = await keepUpdate(write, edit.doc, live, net)
    const answer`,
      },
    ],
  },
  {
    name: 'a found seat is released with its assignment',
    edits: [
      {
        file: '/shared/reconcile.ts',
        from: "return byAssignment && wish.mode === 'removed' && wish.seats === 'release'",
        to: "return wish.mode === 'removed' && wish.seats === 'release'",
      },
    ],
  },
  {
    name: 'an empty list is believed',
    edits: [
      {
        file: '/server/sync-reading.ts',
        from: 'if (!isShrunken(first.value.seats.count, known)) return first',
        to: 'if (known >= 0) return first',
      },
    ],
  },
  {
    name: 'an edit leaves the outbox as it is sent',
    edits: [
      {
        file: '/client/exchange.ts',
        from: 'current.unanswered.push({ id: row.id, n: row.n, doc: row.doc })',
        to: `current.unanswered.push({ id: row.id, n: row.n, doc: row.doc })
      await mirror.write(['outbox'], async (writing) => await writing.removeRows([row.id]))`,
      },
    ],
  },
  {
    name: 'a gap in the feed is passed over',
    edits: [
      { file: '/client/facts.ts', from: 'if (frame.from !== seq + 1) {', to: 'if (frame.from < 0) {' },
      {
        file: '/server/exchange.ts',
        from: "send({ is: 'feed', from: fedTo + 1, to: upTo, changes })",
        to: "if (upTo % 5 !== 0) send({ is: 'feed', from: fedTo + 1, to: upTo, changes })",
      },
    ],
  },
  {
    name: 'consoles are not told to pull when a commit was reported as failed and is there',
    edits: [
      {
        file: '/server/exchange.ts',
        from: `          forgotten = true
          if (fedTo !== undefined) lag()`,
        to: `          forgotten = false`,
      },
    ],
  },
  {
    name: 'a crash forgets the orders that were open',
    edits: [
      {
        file: '/server/orders.ts',
        from: `      await wakeOpen()
    },
    stop:`,
        to: `      await journal.write((write) => write.trx.updateTable('orders').set({ state: 'cancelled' }).where('state', 'in', ['sent', 'pending']).execute())
    },
    stop:`,
      },
    ],
  },
  {
    name: 'memory is kept after a commit that failed',
    edits: [
      {
        file: '/server/journal.ts',
        from: 'mustForget = true\n      for (const { reject } of acts) reject(new StorageTrouble(cause))\n      return',
        to: 'for (const { reject } of acts) reject(new StorageTrouble(cause))\n      return',
      },
    ],
  },
  {
    name: 'a removal that was asked twice leaves its seat behind',
    edits: [
      {
        file: '/shared/reconcile.ts',
        from: "if (deciding.asks === 'remove') unsettled.add(deciding.placed.key)",
        to: "if (deciding.asks === 'remove' && asks.releasing.has(ordinal)) unsettled.add(deciding.placed.key)",
      },
    ],
  },
]
