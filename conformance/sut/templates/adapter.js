#!/usr/bin/env node
/* Template of an adapter in JavaScript (Node 18 or later): a program, attached with exec:, that
 * holds one endpoint.
 *
 * Copy it and rewrite `Adapter`: a method per request of the SUT contract, which gets its fields.
 * Put out what your endpoint does with the `put` methods. What you leave out is unsupported; leave
 * its word out of `capabilities` too. Print nothing else on stdout. As shipped it asks `sipc sut
 * --exec`; its argument is the program sipc. Try it:
 * sipc conform check-adapter "exec:node adapter.js build/release/bin/sipc" */
'use strict';
const { spawn } = require('node:child_process');
const readline = require('node:readline');

/** What the endpoint does, collected in `out` for the response of the request under way. */
class Outputs {
    /** A PDU leaves; tokens count up from reset. */
    putTx(to, pdu, token) { this.out.push({ tx: pdu.toString('hex'), to, token }); }

    /** A whole window group reached the application; attributes are pairs of buffers. */
    putDeliver(session, remote, data, attributes) {
        this.put('deliver', session, remote, { data: data.toString('base64'),
            attributes: attributes.map((pair) => pair.map(toText)) });
    }

    /** The end of a send or close: ok, timeout, peer_error, network_error, refused, closed. */
    putResult(session, remote, label, op, outcome, code = 0) {
        this.put('result', session, remote, { label, op, outcome, code });
    }

    /** opening, opened, closing, awaiting_disposal or disposed; cause: the code that did it. */
    putState(session, remote, state, cause = null) {
        this.put('state', session, remote, { state, cause });
    }

    put(kind, session, remote, fields) {
        this.out.push({ [kind]: { session: session.toString('hex'), remote, ...fields } });
    }
}

class Adapter extends Outputs {
    deadline = null; // ns, when your next timer fires: later than now; null if none runs
    endpoint = new Reference(process.argv[2] ?? 'sipc'); // yours instead

    /** Stands for calls of your endpoint; this one speaks the contract itself. */
    async ask(op, fields) {
        const answer = await this.endpoint.ask({ id: 0, op, ...fields });
        this.out.push(...answer.out);
        this.deadline = answer.deadline_ns;
        if (!answer.ok) throw new Error(answer.error); // the request fails; nothing has changed
        return answer;
    }

    hello({ contract, clock }) {
        if (contract !== 1 || clock !== 'virtual') throw new Error('contract 1, virtual clock');
        return { name: 'template', version: '1', contract: 1, clock: 'virtual',
            capabilities: ['send', 'close', 'force_close', 'attributes', 'skip', 'endpoint',
                'enquire_link', 'idle_timeout', 'linger', 'stream'] };
    }

    /** Holds from the next reset on. What is not named has its default; what cannot be set is
     *  refused, and cases that need it are unsupported then instead of failed. */
    async configure({ settings }) {
        return { refused: (await this.ask('configure', { settings })).refused };
    }

    /** A new endpoint at time 0; nothing of the old one comes out any more. */
    async reset() { await this.ask('reset'); }

    /** A session exists, in opening; no PDU leaves. undefined: the endpoint's own idle timeout. */
    async open({ session, remote, idle_timeout_ms }) {
        await this.ask('open', { session: session.toString('hex'), remote, idle_timeout_ms });
    }

    /** Starts a message; its end, a refusal too, comes out as a result with this label. */
    async send({ session, label, remote, data, size, attributes = [], skip = false }) {
        data ??= Buffer.from(Array.from({ length: size ?? 0 }, (_, i) => i % 251));
        attributes = attributes.map((pair) => pair.map(toText));
        await this.ask('send', { session: session.toString('hex'), label, remote, skip, attributes,
            data: data.toString('base64') });
    }

    /** Code 1 closes graciously, any other forces it. */
    async close({ session, label, code, remote }) {
        await this.ask('close', { session: session.toString('hex'), label, code, remote });
    }

    /** A datagram arrived: any bytes, also none. */
    async rx({ from, pdu }) { await this.ask('rx', { from, pdu: pdu.toString('hex') }); }
    /** Fires every timer up to then; never later than the deadline told. */
    async advance({ to_ns }) { await this.ask('advance', { to_ns }); }
    bye() { this.ended = true; }
}

// ---- from here on nothing needs a change, but Reference goes when your endpoint comes ----

class Reference {
    constructor(program) {
        this.process = spawn(program, ['sut', '--exec'], { stdio: ['pipe', 'pipe', 'inherit'] });
        this.process.on('error', (error) => { console.error(String(error)); process.exit(1); });
        this.lines = readline.createInterface({ input: this.process.stdout });
    }

    ask(request) {
        this.process.stdin.write(JSON.stringify(request) + '\n');
        return new Promise((done) => this.lines.once('line', (line) => done(JSON.parse(line))));
    }
}

const REQUESTS = new Set(['hello', 'configure', 'reset', 'open', 'preset', 'send', 'close',
    'send_unreliable', 'dispose', 'shutdown', 'rx', 'sent', 'advance', 'state', 'bye']);
/** Text of the contract: a string, or {"hex": ...} where it is not UTF-8. */
const toBytes = (text) => Buffer.from(text.hex ?? text, text.hex === undefined ? 'utf8' : 'hex');
const toText = (bytes) => {
    const text = bytes.toString('utf8');
    return Buffer.from(text).equals(bytes) ? text : { hex: bytes.toString('hex') };
};
const DECODE = { session: (hex) => Buffer.from(hex, 'hex'), pdu: (hex) => Buffer.from(hex, 'hex'),
    data: (text) => Buffer.from(text, 'base64'),
    attributes: (pairs) => pairs.map((pair) => pair.map(toBytes)) };

async function respond(adapter, line) {
    const response = { id: null, ok: false };
    adapter.out = [];
    try {
        const request = JSON.parse(line);
        response.id = request.id;
        const method = REQUESTS.has(request.op) ? adapter[request.op] : undefined;
        if (method === undefined) {
            Object.assign(response, { unsupported: true, error: `no request ${request.op}` });
        } else {
            const fields = Object.entries(request).filter(([, value]) => value !== null)
                .map(([name, value]) => [name, (DECODE[name] ?? ((same) => same))(value)]);
            const said = await method.call(adapter, Object.fromEntries(fields));
            Object.assign(response, said, { ok: true });
        }
    } catch (error) { // whatever it is, the harness wants an answer
        console.error(error);
        response.error = String(error);
    }
    return { ...response, out: adapter.out, deadline_ns: adapter.deadline };
}

(async () => {
    const adapter = new Adapter();
    for await (const line of readline.createInterface({ input: process.stdin })) {
        process.stdout.write(JSON.stringify(await respond(adapter, line)) + '\n');
        if (adapter.ended) break;
    }
    process.exit(0);
})();
