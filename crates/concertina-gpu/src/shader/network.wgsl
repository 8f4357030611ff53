// A work group trains one network: all steps of an update are separated by barriers of the group alone.
// A thread owns columns: units, or currents of units. Numbers of samples lie side by side in vectors of
// four, `LANES` vectors for the samples of a part; (time, unit, lane) is the order of all of them.

struct Launch {
    /// Updates of this launch, or parts of the validation set.
    count: u32,
    /// Vectors of `data` for each network, and for each part of a batch.
    data: u32,
    part: u32,
    /// Vectors of `control` for each network.
    control: u32,
}

@group(0) @binding(0) var<storage, read_write> weights: array<f32>;
@group(0) @binding(1) var<storage, read_write> moments: array<f32>;
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(3) var<storage, read_write> scratch: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> data: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> drawn: array<f32>;
@group(0) @binding(6) var<storage, read_write> results: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> control: array<vec4<f32>>;
@group(0) @binding(8) var<uniform> launch: Launch;

var<workgroup> tile: array<vec4<f32>, TILE>;
var<workgroup> sums_of_threads: array<f32, GROUP>;
var<workgroup> halted: atomic<u32>;

/// Where a network finds its arrays, and its constants.
struct Network {
    weights: u32,
    moments: u32,
    gradient: u32,
    scratch: u32,
    dt: f32,
    kept: f32,
    noise: f32,
    decay: f32,
    momentum: f32,
    gradient_noise: f32,
}

fn network_of(place: u32) -> Network {
    let first = control[place * launch.control];
    let second = control[place * launch.control + 1u];
    let slot = u32(first.x);
    return Network(
        slot * WEIGHTS, slot * MOMENTS, slot * PARAMETERS, slot * SCRATCH,
        first.y, first.z, first.w, second.x, second.y, second.z,
    );
}

fn together() {
    storageBarrier();
    workgroupBarrier();
}

// Products: `into[column] = sum over k of origin[k] * matrix[k, column]`, where `origin` and `into` have a vector of
// samples for each k and column. The sum goes through k in order. `origin` passes through the tile, in chunks.

fn multiply_tile(lid: u32, matrix: u32, columns: u32, into: u32, lane: u32, first: u32, count: u32, add: bool) {
    for (var column = lid; column < columns; column += GROUP) {
        let place = into + column * LANES + lane;
$BEGIN_SUMS
        var entry = matrix + first * columns + column;
        for (var k = 0u; k < count; k++) {
            let weight = weights[entry];
            entry += columns;
$ADD_TO_SUMS
        }
$STORE_SUMS
    }
}

/// `origin`: a place in `scratch`. All threads must be past writing it.
fn product(lid: u32, origin: u32, inner: u32, matrix: u32, columns: u32, into: u32, add: bool) {
    for (var lane = 0u; lane < LANES; lane += TILE_LANES) {
        for (var first = 0u; first < inner; first += CHUNK) {
            let count = min(CHUNK, inner - first);
            workgroupBarrier();
            for (var place = lid; place < count * TILE_LANES; place += GROUP) {
                tile[place] = scratch[origin + (first + place / TILE_LANES) * LANES + lane + place % TILE_LANES];
            }
            workgroupBarrier();
            multiply_tile(lid, matrix, columns, into, lane, first, count, add || first > 0u);
        }
    }
}

/// As `product`, with `origin` in `data`.
fn product_of_inputs(lid: u32, origin: u32, matrix: u32, columns: u32, into: u32, add: bool) {
    for (var lane = 0u; lane < LANES; lane += TILE_LANES) {
        for (var first = 0u; first < INPUTS; first += CHUNK) {
            let count = min(CHUNK, INPUTS - first);
            workgroupBarrier();
            for (var place = lid; place < count * TILE_LANES; place += GROUP) {
                tile[place] = data[origin + (first + place / TILE_LANES) * LANES + lane + place % TILE_LANES];
            }
            workgroupBarrier();
            multiply_tile(lid, matrix, columns, into, lane, first, count, add || first > 0u);
        }
    }
}

fn input_at(part: u32, step: u32) -> u32 {
    if (TIMED) {
        return part + step * INPUTS * LANES;
    }
    return part;
}

fn is_shown(step: u32) -> bool {
    return TIMED || step < HOLD;
}

/// What is sent to other units after a step.
fn sent(network: Network, step: u32) -> u32 {
    if (SENDS_RATES) {
        return network.scratch + RATES + step * UNITS * LANES;
    }
    return network.scratch + STATES + step * UNITS * LANES;
}

/// What is read out after a step.
fn read_by_readout(network: Network, step: u32) -> u32 {
    if (READS_RATES) {
        return network.scratch + RATES + step * UNITS * LANES;
    }
    return network.scratch + STATES + step * UNITS * LANES;
}

fn disturb(network: Network, part: u32, step: u32, unit: u32, lane: u32, state: vec4<f32>) -> vec4<f32> {
    let place = part + (step * UNITS + unit) * LANES + lane;
    var disturbed = state;
    if (UNIT_NOISE) {
        disturbed = fma(vec4<f32>(network.noise), data[place + OF_NOISE], disturbed);
    }
    if (DROPOUT) {
        disturbed *= data[place + OF_DROPOUT];
    }
    return disturbed;
}

fn forward(network: Network, lid: u32, part: u32, disturbed: bool) {
    for (var step = 0u; step < STEPS; step++) {
        let state = network.scratch + STATES + step * UNITS * LANES;
        var currents = state;
        if (GATED) {
            currents = network.scratch + GATES + step * CURRENTS * LANES;
        }
        together();
        if (is_shown(step)) {
            product_of_inputs(lid, input_at(part, step), network.weights + OF_INPUT, CURRENTS, currents, false);
        } else {
            for (var place = lid; place < CURRENTS; place += GROUP) {
                for (var lane = 0u; lane < LANES; lane++) {
                    scratch[currents + place * LANES + lane] = vec4<f32>(0.0);
                }
            }
        }
        if (step > 0u) {
            let matrix = network.weights + OF_RECURRENT;
            if (GATED) {
                product(lid, sent(network, step - 1u), UNITS, matrix, CURRENTS, network.scratch + OWN, false);
            } else {
                product(lid, sent(network, step - 1u), UNITS, matrix, CURRENTS, currents, true);
            }
        }
        if (GATED) {
            together();
        }
        for (var unit = lid; unit < UNITS; unit += GROUP) {
            for (var lane = 0u; lane < LANES; lane++) {
                step_of_unit(network, part, disturbed, step, unit, lane);
            }
        }
    }
    together();
}

fn step_of_unit(network: Network, part: u32, disturbed: bool, step: u32, unit: u32, lane: u32) {
    let place = network.scratch + (step * UNITS + unit) * LANES + lane;
    var previous = vec4<f32>(0.0);
    if (step > 0u) {
        previous = scratch[place + STATES - UNITS * LANES];
    }
    var state: vec4<f32>;
    if (GATED) {
        let gates = network.scratch + GATES + step * CURRENTS * LANES + unit * LANES + lane;
        let own = network.scratch + OWN + unit * LANES + lane;
        let block = UNITS * LANES;
        var from_r = vec4<f32>(0.0);
        var from_z = vec4<f32>(0.0);
        var from_n = vec4<f32>(0.0);
        if (step > 0u) {
            from_r = scratch[own];
            from_z = scratch[own + block];
            from_n = scratch[own + 2u * block];
        }
        let bias = network.weights + OF_BIAS + unit;
        let own_bias = network.weights + OF_RECURRENT_BIAS + unit;
        let r = logistic4((scratch[gates] + weights[bias]) + (from_r + weights[own_bias]));
        let z = logistic4((scratch[gates + block] + weights[bias + UNITS]) + (from_z + weights[own_bias + UNITS]));
        let inner = from_n + weights[own_bias + 2u * UNITS];
        let n = tanh4(fma(r, inner, scratch[gates + 2u * block] + weights[bias + 2u * UNITS]));
        scratch[gates] = r;
        scratch[gates + block] = z;
        scratch[gates + 2u * block] = n;
        scratch[place + INNER] = inner;
        state = fma(z, previous - n, n);
    } else {
        let current = scratch[place + STATES] + weights[network.weights + OF_BIAS + unit];
        if (SENDS_RATES) {
            state = fma(vec4<f32>(network.kept), previous, network.dt * current);
        } else {
            state = phi(current);
            if (KEEPS_RATES) {
                scratch[place + RATES] = state;
            }
        }
    }
    if (disturbed) {
        state = disturb(network, part, step, unit, lane, state);
    }
    scratch[place + STATES] = state;
    if (SENDS_RATES) {
        scratch[place + RATES] = phi(state);
    }
}

/// Reads out the evaluated steps into `results` and `scratch`: (step, output, lane).
fn read_out(network: Network, lid: u32, into: u32) {
    for (var item = lid; item < EVALUATED * OUTPUTS * LANES; item += GROUP) {
        let lane = item % LANES;
        let output = item / LANES % OUTPUTS;
        var origin = read_by_readout(network, STEPS - EVALUATED + item / (LANES * OUTPUTS)) + lane;
        var entry = network.weights + OF_READOUT + output;
        var sum = vec4<f32>(0.0);
        for (var unit = 0u; unit < UNITS; unit++) {
            sum = fma(scratch[origin], vec4<f32>(weights[entry]), sum);
            origin += LANES;
            entry += OUTPUTS;
        }
        sum += weights[network.weights + OF_READOUT_BIAS + output];
        scratch[network.scratch + OUT + item] = sum;
        results[into + item] = sum;
    }
    together();
}

/// The derivative of the mean loss by the outputs. Samples that do not count have none.
fn differentiate_loss(network: Network, lid: u32, part: u32) {
    for (var item = lid; item < EVALUATED * LANES; item += GROUP) {
        let step = item / LANES;
        let lane = item % LANES;
        let outputs = network.scratch + OUT + step * OUTPUTS * LANES + lane;
        let by_outputs = network.scratch + BY_OUT + step * OUTPUTS * LANES + lane;
        let share = data[part + OF_SHARE + item];
        let class_of = data[part + OF_TARGET + select(item, step * OUTPUTS * LANES + lane, REAL)];
        var largest = scratch[outputs];
        var total = vec4<f32>(0.0);
        var others = vec4<f32>(0.0);
        if (LOSS == CROSS_ENTROPY) {
            for (var output = 1u; output < OUTPUTS; output++) {
                largest = max(largest, scratch[outputs + output * LANES]);
            }
            for (var output = 0u; output < OUTPUTS; output++) {
                let likelihood = exponential(scratch[outputs + output * LANES] - largest);
                total += likelihood;
                others += select(likelihood, vec4<f32>(0.0), class_of == vec4<f32>(f32(output)));
            }
        }
        var wild = false;
        for (var output = 0u; output < OUTPUTS; output++) {
            let value = scratch[outputs + output * LANES];
            var by_output = vec4<f32>(0.0);
            let own = class_of == vec4<f32>(f32(output));
            if (LOSS == CROSS_ENTROPY) {
                by_output = select(exponential(value - largest), -others, own) / total;
            } else if (LOSS == MSE) {
                var wished = select(vec4<f32>(0.0), vec4<f32>(0.7), own);
                if (REAL) {
                    wished = data[part + OF_TARGET + step * OUTPUTS * LANES + output * LANES + lane];
                }
                by_output = 2.0 * (value - wished) / f32(OUTPUTS);
            } else if (LOSS == MSE_SCALAR) {
                by_output = 2.0 * (value - select(vec4<f32>(0.7), vec4<f32>(-0.7), class_of == vec4<f32>(0.0)));
            }
            let counts = share != vec4<f32>(0.0);
            scratch[by_outputs + output * LANES] = select(vec4<f32>(0.0), by_output * share, counts);
            wild |= (is_wild(value.x) && counts.x) || (is_wild(value.y) && counts.y)
                || (is_wild(value.z) && counts.z) || (is_wild(value.w) && counts.w);
        }
        if (wild) {
            atomicOr(&halted, WILD_OUTPUT);
        }
    }
    together();
}

/// Goes back through the trial. Leaves the derivatives by the currents of all steps in `scratch`.
fn backward(network: Network, lid: u32, part: u32) {
    for (var back = 0u; back < STEPS; back++) {
        let step = STEPS - 1u - back;
        for (var unit = lid; unit < UNITS; unit += GROUP) {
            for (var lane = 0u; lane < LANES; lane++) {
                step_back_of_unit(network, part, step, unit, lane);
            }
        }
        if (step > 0u) {
            together();
            let origin = network.scratch + BY_CURRENT + step * CURRENTS * LANES;
            let into = select(network.scratch + BY_STATE, network.scratch + BY_RATE, SENDS_RATES);
            product(lid, origin, CURRENTS, network.weights + OF_TRANSPOSED, UNITS, into, GATED);
        }
    }
    together();
}

fn step_back_of_unit(network: Network, part: u32, step: u32, unit: u32, lane: u32) {
    let column = network.scratch + unit * LANES + lane;
    let place = column + step * UNITS * LANES;
    var by_state = vec4<f32>(0.0);
    if (step + 1u < STEPS) {
        by_state = scratch[column + BY_STATE];
        if (SENDS_RATES) {
            by_state = fma(scratch[column + BY_RATE], slope(scratch[place + RATES]), by_state);
        }
    }
    if (step + EVALUATED >= STEPS) {
        let by_outputs = network.scratch + BY_OUT + (step + EVALUATED - STEPS) * OUTPUTS * LANES + lane;
        let entry = network.weights + OF_READOUT + unit * OUTPUTS;
        var sum = vec4<f32>(0.0);
        for (var output = 0u; output < OUTPUTS; output++) {
            sum = fma(scratch[by_outputs + output * LANES], vec4<f32>(weights[entry + output]), sum);
        }
        if (READS_RATES) {
            sum *= slope(scratch[place + RATES]);
        }
        by_state += sum;
    }
    if (DROPOUT) {
        by_state *= data[part + OF_DROPOUT + (step * UNITS + unit) * LANES + lane];
    }
    let by_current = network.scratch + BY_CURRENT + step * CURRENTS * LANES + unit * LANES + lane;
    if (GATED) {
        let gates = network.scratch + GATES + step * CURRENTS * LANES + unit * LANES + lane;
        let block = UNITS * LANES;
        let r = scratch[gates];
        let z = scratch[gates + block];
        let n = scratch[gates + 2u * block];
        let inner = scratch[place + INNER];
        var previous = vec4<f32>(0.0);
        if (step > 0u) {
            previous = scratch[place + STATES - block];
        }
        let by_n = by_state * (1.0 - z) * fma(-n, n, vec4<f32>(1.0));
        scratch[place + BY_LAST] = by_n;
        scratch[by_current] = by_n * inner * r * (1.0 - r);
        scratch[by_current + block] = by_state * z * (1.0 - z) * (previous - n);
        scratch[by_current + 2u * block] = by_n * r;
        scratch[column + BY_STATE] = by_state * z;
    } else if (SENDS_RATES) {
        scratch[by_current] = network.dt * by_state;
        scratch[column + BY_STATE] = network.kept * by_state;
    } else if (KEEPS_RATES) {
        scratch[by_current] = by_state * slope(scratch[place + RATES]);
    } else {
        scratch[by_current] = by_state * slope(scratch[place + STATES]);
    }
}

/// The derivative by a current from the inputs: that of the candidate of a gated unit is its own.
fn by_input_current(network: Network, step: u32, current: u32) -> u32 {
    if (GATED && current >= 2u * UNITS) {
        return network.scratch + BY_LAST + (step * UNITS + current - 2u * UNITS) * LANES;
    }
    return network.scratch + BY_CURRENT + (step * CURRENTS + current) * LANES;
}

fn put(network: Network, offset: u32, value: f32, add: bool) {
    let place = network.gradient + offset;
    gradient[place] = select(value, gradient[place] + value, add);
}

/// The gradient by all trained arrays. The first part of a batch overwrites it, and the others add to it.
fn collect(network: Network, lid: u32, part: u32, add: bool) {
    let ones = vec4<f32>(1.0);
    if (TRAINS_RECURRENT) {
        for (var row = 0u; row < UNITS; row += ROWS) {
            for (var column = lid; column < CURRENTS; column += GROUP) {
$BEGIN_ROWS
                for (var step = 1u; step < STEPS; step++) {
                    let origin = sent(network, step - 1u) + row * LANES;
                    let by = network.scratch + BY_CURRENT + (step * CURRENTS + column) * LANES;
                    for (var lane = 0u; lane < LANES; lane++) {
                        let by_current = scratch[by + lane];
$ADD_TO_ROWS
                    }
                }
$STORE_ROWS
            }
        }
    }
    if (TRAINS_BIAS || TRAINS_RECURRENT_BIAS) {
        for (var column = lid; column < CURRENTS; column += GROUP) {
            var sum = 0.0;
            var own = 0.0;
            for (var step = 0u; step < STEPS; step++) {
                let by_input = by_input_current(network, step, column);
                let by_own = network.scratch + BY_CURRENT + (step * CURRENTS + column) * LANES;
                for (var lane = 0u; lane < LANES; lane++) {
                    sum += dot(scratch[by_input + lane], ones);
                    if (TRAINS_RECURRENT_BIAS) {
                        own += dot(scratch[by_own + lane], ones);
                    }
                }
            }
            if (TRAINS_BIAS) {
                put(network, OF_BIAS + column, sum, add);
            }
            if (TRAINS_RECURRENT_BIAS) {
                put(network, OF_RECURRENT_BIAS + column, own, add);
            }
        }
    }
    if (TRAINS_INPUT) {
        for (var input = 0u; input < INPUTS; input++) {
            for (var column = lid; column < CURRENTS; column += GROUP) {
                var sum = 0.0;
                for (var step = 0u; step < select(HOLD, STEPS, TIMED); step++) {
                    let origin = input_at(part, step) + input * LANES;
                    let by = by_input_current(network, step, column);
                    for (var lane = 0u; lane < LANES; lane++) {
                        sum += dot(data[origin + lane], scratch[by + lane]);
                    }
                }
                put(network, OF_INPUT + input * CURRENTS + column, sum, add);
            }
        }
    }
    if (TRAINS_READOUT) {
        for (var item = lid; item < UNITS * OUTPUTS; item += GROUP) {
            let output = item % OUTPUTS;
            var sum = 0.0;
            for (var step = 0u; step < EVALUATED; step++) {
                let origin = read_by_readout(network, STEPS - EVALUATED + step) + item / OUTPUTS * LANES;
                let by = network.scratch + BY_OUT + (step * OUTPUTS + output) * LANES;
                for (var lane = 0u; lane < LANES; lane++) {
                    sum += dot(scratch[origin + lane], scratch[by + lane]);
                }
            }
            put(network, OF_READOUT + item, sum, add);
        }
    }
    if (TRAINS_READOUT_BIAS) {
        for (var output = lid; output < OUTPUTS; output += GROUP) {
            var sum = 0.0;
            for (var step = 0u; step < EVALUATED; step++) {
                let by = network.scratch + BY_OUT + (step * OUTPUTS + output) * LANES;
                for (var lane = 0u; lane < LANES; lane++) {
                    sum += dot(scratch[by + lane], ones);
                }
            }
            put(network, OF_READOUT_BIAS + output, sum, add);
        }
    }
    together();
}

/// The sum over the threads of the group, in a fixed order.
fn sum_of_group(lid: u32, mine: f32) -> f32 {
    workgroupBarrier();
    sums_of_threads[lid] = mine;
    workgroupBarrier();
    for (var distance = GROUP_POWER / 2u; distance > 0u; distance /= 2u) {
        if (lid < distance && lid + distance < GROUP) {
            sums_of_threads[lid] += sums_of_threads[lid + distance];
        }
        workgroupBarrier();
    }
    return sums_of_threads[0];
}

fn squared_norm_of(network: Network, lid: u32, offset: u32, length: u32) -> f32 {
    var sum = 0.0;
    for (var place = lid; place < length; place += GROUP) {
        let value = gradient[network.gradient + offset + place];
        sum = fma(value, value, sum);
    }
    return sum_of_group(lid, sum);
}

fn squared_norm_of_drawn(lid: u32, noise: u32, length: u32) -> f32 {
    var sum = 0.0;
    for (var place = lid; place < length; place += GROUP) {
        sum = fma(drawn[noise + place], drawn[noise + place], sum);
    }
    return sum_of_group(lid, sum);
}

/// A step of the optimizer on an array, with `size` times the noise that was drawn for it.
fn step_array(network: Network, lid: u32, rates: vec4<f32>, offset: u32, length: u32, noise: u32, size: f32) {
    var wild = false;
    for (var place = lid; place < length; place += GROUP) {
        let at = network.weights + offset + place;
        let weight = weights[at];
        var plain = gradient[network.gradient + offset + place];
        if (noise != NO_NOISE) {
            plain = fma(size, drawn[noise + place], plain);
        }
        let tilt = fma(network.decay, weight, plain);
        let mean = network.moments + offset + place;
        let square = mean + select(0u, PARAMETERS, KEEPS_MEAN);
        var change = tilt;
        if (OPTIMIZER == SGD) {
            if (KEEPS_MEAN) {
                change = fma(network.momentum, moments[mean], tilt);
                moments[mean] = change;
            }
            change *= rates.x;
        } else if (OPTIMIZER == RMSPROP) {
            let memory = RMSPROP_MEMORY * moments[square] + RMSPROP_FRESH * (tilt * tilt);
            moments[square] = memory;
            change = tilt / (sqrt(memory) + EPSILON);
            if (KEEPS_MEAN) {
                change = fma(network.momentum, moments[mean], change);
                moments[mean] = change;
            }
            change = rates.x * change + rates.y * plain;
        } else {
            let memory = SQUARE_MEMORY * moments[square] + SQUARE_FRESH * (tilt * tilt);
            let average = MEAN_MEMORY * moments[mean] + MEAN_FRESH * tilt;
            moments[square] = memory;
            moments[mean] = average;
            change = rates.x * average / (sqrt(memory) / rates.y + EPSILON);
        }
        let next = weight - change;
        weights[at] = next;
        wild |= is_wild(next);
        if (offset == OF_RECURRENT) {
            weights[network.weights + OF_TRANSPOSED + place % CURRENTS * UNITS + place / CURRENTS] = next;
        }
    }
    if (wild) {
        atomicOr(&halted, WILD_WEIGHT);
    }
}

@compute @workgroup_size(GROUP)
fn train(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let network = network_of(group.x);
    if (lid == 0u) {
        atomicStore(&halted, 0u);
    }
    for (var update = 0u; update < launch.count; update++) {
        together();
        // The network stays as it was when it went wrong.
        let lives = atomicLoad(&halted) == 0u;
        let record = group.x * launch.data + update * PARTS * launch.part;
        let into = (group.x * launch.count + update) * RESULTS;
        together();
        for (var part = 0u; part < PARTS; part++) {
            let at = record + part * launch.part;
            forward(network, lid, at, true);
            read_out(network, lid, into + part * EVALUATED * OUTPUTS * LANES);
            differentiate_loss(network, lid, at);
            if (GOES_BACK) {
                backward(network, lid, at);
            }
            collect(network, lid, at, part > 0u);
        }
        let rates = control[group.x * launch.control + 2u + update];
        let noise = (group.x * launch.count + update) * DRAWN;
        var squared_norm = 0.0;
$NORMS
        if (lives) {
$STEPS
        }
        together();
        if (lid == 0u) {
            let state = atomicLoad(&halted);
            results[into + RESULTS - 1u] = vec4<f32>(squared_norm, f32(state), 0.0, 0.0);
        }
    }
}

@compute @workgroup_size(GROUP)
fn evaluate(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let network = network_of(group.x);
    for (var part = 0u; part < launch.count; part++) {
        forward(network, lid, group.x * launch.data + part * launch.part, false);
        read_out(network, lid, (group.x * launch.count + part) * EVALUATED * OUTPUTS * LANES);
    }
}
