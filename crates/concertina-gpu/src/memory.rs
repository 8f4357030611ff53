//! The buffers of a cohort, and launches on them.

use std::sync::mpsc;

use crate::device::{Device, Kernels};
use crate::error::Result;
use crate::shape::Shape;
use crate::sizes::Sizes;

/// Bytes of trials and of results that a launch transfers, if that suffices for an update of all networks.
/// Arbitrary.
const TRANSFER: usize = 64 << 20;

/// The buffers of a cohort.
#[derive(Debug)]
pub(crate) struct Memory {
    sizes: Sizes,
    pub(crate) weights: Held,
    pub(crate) moments: Held,
    pub(crate) gradient: Held,
    data: wgpu::Buffer,
    drawn: wgpu::Buffer,
    results: wgpu::Buffer,
    control: wgpu::Buffer,
    launch: wgpu::Buffer,
    /// Results, or weights, on their way back.
    staging: wgpu::Buffer,
    bindings: wgpu::BindGroup,
}

/// A buffer with a part for each network.
#[derive(Debug)]
pub(crate) struct Held {
    buffer: wgpu::Buffer,
    /// Bytes for each network.
    size: usize,
}

/// A launch of a kernel.
pub(crate) struct Launch<'a> {
    pub(crate) networks: usize,
    /// Updates, or parts of the validation set.
    pub(crate) count: usize,
    pub(crate) data: &'a [f32],
    /// Vectors of data in each part of a batch.
    pub(crate) part: usize,
    pub(crate) drawn: &'a [f32],
    pub(crate) control: &'a [f32],
    /// Vectors of results for each network.
    pub(crate) results: usize,
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn floats_of(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
}

impl Memory {
    /// Buffers for this many networks.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory), [`Error::Lost`](crate::Error::Lost).
    pub(crate) fn allocate(
        device: &Device,
        kernels: &Kernels,
        shape: &Shape,
        networks: usize,
    ) -> Result<Self> {
        let sizes = Sizes::of(shape);
        let transferred = |one: usize, most: usize| {
            let all = networks * one;
            all.max(TRANSFER.min(networks * most)).max(16)
        };
        let updates = shape.updates;
        let data = transferred(sizes.update.max(sizes.part), sizes.update * updates);
        let drawn = transferred(sizes.drawn, sizes.drawn * updates);
        let results = transferred(sizes.results.max(sizes.part_results), sizes.results * updates);
        let whole = (networks * sizes.weights).max(networks * sizes.moments);
        device.allocate(networks, |device| {
            let storage =
                wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
            let buffer = |label: &str, size: usize, usage: wgpu::BufferUsages| {
                device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some(label),
                    size: size.max(16).next_multiple_of(16) as u64,
                    usage,
                    mapped_at_creation: false,
                })
            };
            let held =
                |label: &str, size: usize| Held { buffer: buffer(label, networks * size, storage), size };
            let (weights, moments, gradient) = (
                held("weights", sizes.weights),
                held("moments", sizes.moments),
                held("gradient", sizes.gradient),
            );
            let scratch = buffer("scratch", networks * sizes.scratch, storage);
            let data = buffer("data", data, storage);
            let drawn = buffer("drawn", drawn, storage);
            let results_buffer = buffer("results", results, storage);
            let control = buffer("control", networks * sizes.control, storage);
            let launch = buffer("launch", 16, wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST);
            let staging = buffer(
                "staging",
                results.max(whole.min(TRANSFER)).max(sizes.weights).max(sizes.moments),
                wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            );
            let bound = [
                &weights.buffer,
                &moments.buffer,
                &gradient.buffer,
                &scratch,
                &data,
                &drawn,
                &results_buffer,
                &control,
                &launch,
            ];
            let entries: Vec<wgpu::BindGroupEntry<'_>> = bound
                .into_iter()
                .enumerate()
                .map(|(binding, buffer)| wgpu::BindGroupEntry {
                    binding: binding as u32,
                    resource: buffer.as_entire_binding(),
                })
                .collect();
            let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: None,
                layout: &kernels.layout,
                entries: &entries,
            });
            Self {
                sizes,
                weights,
                moments,
                gradient,
                data,
                drawn,
                results: results_buffer,
                control,
                launch,
                staging,
                bindings,
            }
        })
    }

    /// How many updates of this many networks fit into the buffers.
    pub(crate) fn updates(&self, networks: usize) -> usize {
        let fit = |buffer: &wgpu::Buffer, one: usize| match one {
            0 => usize::MAX,
            one => buffer.size() as usize / (networks * one),
        };
        fit(&self.data, self.sizes.update)
            .min(fit(&self.drawn, self.sizes.drawn))
            .min(fit(&self.results, self.sizes.results))
            .max(1)
    }

    /// How many parts of the validation sets of this many networks fit into the buffers.
    pub(crate) fn validation_parts(&self, networks: usize) -> usize {
        let fit = |buffer: &wgpu::Buffer, one: usize| buffer.size() as usize / (networks * one.max(1));
        fit(&self.data, self.sizes.part).min(fit(&self.results, self.sizes.part_results)).max(1)
    }

    /// Writes the part of a network.
    pub(crate) fn write(&self, device: &Device, into: &Held, slot: usize, values: &[f32]) {
        if !values.is_empty() {
            device.queue.write_buffer(&into.buffer, (slot * into.size) as u64, &bytes_of(values));
        }
    }

    /// Reads the parts of these networks.
    ///
    /// # Errors
    /// [`Error::Lost`](crate::Error::Lost).
    pub(crate) fn read(&self, device: &Device, from: &Held, slots: &[usize]) -> Result<Vec<Vec<f32>>> {
        let mut values = Vec::with_capacity(slots.len());
        let room = (self.staging.size() as usize / from.size.max(1)).max(1);
        for slots in slots.chunks(room) {
            let mut encoder =
                device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            for (place, slot) in slots.iter().enumerate() {
                encoder.copy_buffer_to_buffer(
                    &from.buffer,
                    (slot * from.size) as u64,
                    &self.staging,
                    (place * from.size) as u64,
                    Some(from.size as u64),
                );
            }
            device.queue.submit([encoder.finish()]);
            let read = self.take(device, slots.len() * from.size)?;
            values.extend(read.chunks(from.size / 4).map(<[f32]>::to_vec));
        }
        Ok(values)
    }

    /// Launches a kernel and waits for its results.
    ///
    /// # Errors
    /// [`Error::Lost`](crate::Error::Lost).
    pub(crate) fn launch(
        &self,
        device: &Device,
        kernel: &wgpu::ComputePipeline,
        launch: Launch<'_>,
    ) -> Result<Vec<f32>> {
        device.inject_faults();
        device.check()?;
        let Launch { networks, count, data, part, drawn, control, results } = launch;
        let constants = [count, data.len() / (4 * networks), part, control.len() / (4 * networks)];
        let constants: Vec<u8> = constants.iter().flat_map(|value| (*value as u32).to_le_bytes()).collect();
        let queue = &device.queue;
        queue.write_buffer(&self.launch, 0, &constants);
        queue.write_buffer(&self.data, 0, &bytes_of(data));
        queue.write_buffer(&self.control, 0, &bytes_of(control));
        if !drawn.is_empty() {
            queue.write_buffer(&self.drawn, 0, &bytes_of(drawn));
        }
        let mut encoder = device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(kernel);
            pass.set_bind_group(0, &self.bindings, &[]);
            pass.dispatch_workgroups(networks as u32, 1, 1);
        }
        let size = 16 * networks * results;
        encoder.copy_buffer_to_buffer(&self.results, 0, &self.staging, 0, Some(size as u64));
        queue.submit([encoder.finish()]);
        self.take(device, size)
    }

    /// Waits for the device, and reads the first bytes of the staging buffer.
    fn take(&self, device: &Device, size: usize) -> Result<Vec<f32>> {
        let slice = self.staging.slice(0..size as u64);
        let (sender, receiver) = mpsc::channel();
        slice.map_async(wgpu::MapMode::Read, move |result| {
            let _ = sender.send(result); // nothing waits for it if the device is lost
        });
        device.wait()?;
        let mapped = receiver.try_recv().is_ok_and(|result| result.is_ok());
        if !mapped {
            return device.fail("its memory cannot be read");
        }
        let values = match slice.get_mapped_range() {
            Ok(bytes) => floats_of(&bytes),
            Err(error) => return device.fail(&error.to_string()),
        };
        self.staging.unmap();
        Ok(values)
    }
}
