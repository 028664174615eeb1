// Runs networks in ONNX Runtime on the CPU.
//
//     NODE_PATH=FOLDER/node_modules node run_onnxruntime.js JOBS.json
//
// JOBS.json is a list of {network, input, shape, output, result}: `input` and `result` are files
// of raw little-endian float32, `shape` is that of the input, `output` names the tensor wanted,
// which must be an output of the graph. Prints the list of the results' shapes as JSON.
'use strict';
const fs = require('fs');
const runtime = require('onnxruntime-node');

// Without its optimiser: that takes the zeros of a Pad before a MaxPool for the pool's own
// padding (version 1.30), which never is a maximum.
const options = {logSeverityLevel: 3, graphOptimizationLevel: 'disabled'};

async function run(job) {
    const session = await runtime.InferenceSession.create(job.network, options);
    const bytes = fs.readFileSync(job.input);
    const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset,
                                                       bytes.byteOffset + bytes.length));
    const input = new runtime.Tensor('float32', values, job.shape);
    const results = await session.run({[session.inputNames[0]]: input}, [job.output]);
    const tensor = results[job.output];
    if (tensor.type !== 'float32')
        throw new Error(`the result is of type ${tensor.type}`);
    const data = tensor.data;
    fs.writeFileSync(job.result, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    await session.release();
    return tensor.dims;
}

async function main() {
    const shapes = [];
    let failed = false;
    for (const job of JSON.parse(fs.readFileSync(process.argv[2]))) {
        try {
            shapes.push(await run(job));
        } catch (error) {
            console.error(`${job.network}: ${error.message}`);
            failed = true;
        }
    }
    if (failed)
        process.exit(1);
    console.log(JSON.stringify(shapes));
}

main();
