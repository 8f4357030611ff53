//! Devices: which there are, and how to open one.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pollster::block_on;

use crate::error::{Error, Result};
use crate::faults;
use crate::shape::Shape;
use crate::source::source;

/// What is known of a device before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its number, for [`Device::open`].
    pub number: usize,
    /// Its name.
    pub name: String,
    /// The driver and its version.
    pub driver: String,
    /// The interface: `vulkan`, `metal` or `dx12`.
    pub backend: String,
    /// Whether the processor plays the device, which is slower than the CPU's own kernels.
    pub software: bool,
}

/// The devices of this machine, real ones first. The list is empty if there is no driver.
pub fn devices() -> Vec<DeviceInfo> {
    adapters().iter().enumerate().map(|(number, adapter)| info(number, &adapter.get_info())).collect()
}

fn info(number: usize, info: &wgpu::AdapterInfo) -> DeviceInfo {
    let driver = format!("{} {}", info.driver, info.driver_info);
    DeviceInfo {
        number,
        name: info.name.clone(),
        driver: driver.trim().to_owned(),
        backend: info.backend.to_str().to_owned(),
        software: info.device_type == wgpu::DeviceType::Cpu && !faults::looks_like_a_card(),
    }
}

fn is_software(adapter: &wgpu::Adapter) -> bool {
    adapter.get_info().device_type == wgpu::DeviceType::Cpu
}

fn adapters() -> Vec<wgpu::Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Instance::enabled_backend_features();
    // Validation layers of the driver are for debugging drivers.
    descriptor.flags = wgpu::InstanceFlags::empty();
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters = block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let key = |adapter: &wgpu::Adapter| {
        let info = adapter.get_info();
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => 0,
            wgpu::DeviceType::IntegratedGpu => 1,
            wgpu::DeviceType::VirtualGpu => 2,
            wgpu::DeviceType::Other => 3,
            wgpu::DeviceType::Cpu => 4,
        };
        (kind, info.device_pci_bus_id, info.name)
    };
    adapters.sort_by_cached_key(key);
    adapters
}

/// An open device.
pub struct Device {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    info: DeviceInfo,
    failure: Arc<Mutex<Option<String>>>,
    kernels: Mutex<HashMap<Shape, Arc<Kernels>>>,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("info", &self.info).finish_non_exhaustive()
    }
}

/// The kernels of a shape.
#[derive(Debug)]
pub(crate) struct Kernels {
    pub(crate) train: wgpu::ComputePipeline,
    pub(crate) evaluate: wgpu::ComputePipeline,
    pub(crate) layout: wgpu::BindGroupLayout,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The devices that this process has opened. Opening one takes a good part of a second with some drivers.
static OPEN: Mutex<BTreeMap<Option<usize>, Arc<Device>>> = Mutex::new(BTreeMap::new());

impl Device {
    /// Opens the device with this number, or else the first that can be opened. A software device does not
    /// stand in for a card that cannot be opened.
    ///
    /// # Errors
    /// [`Error::None`], [`Error::NoDevice`], [`Error::CannotOpen`].
    pub fn open(number: Option<usize>) -> Result<Arc<Self>> {
        let mut open = lock(&OPEN);
        let works = |device: &&Arc<Self>| device.check().is_ok();
        if let Some(device) = open.get(&number).filter(works) {
            return Ok(Arc::clone(device));
        }
        let adapters = adapters();
        let found = adapters.len();
        let Some(first) = adapters.get(number.unwrap_or(0)) else {
            return Err(number
                .filter(|_| found > 0)
                .map_or(Error::None, |asked| Error::NoDevice { asked, found }));
        };
        let kind = is_software(first);
        let mut refused = None;
        for (place, adapter) in adapters.iter().enumerate() {
            if number.map_or(is_software(adapter) != kind, |number| number != place) {
                continue;
            }
            let there = open.get(&Some(place)).filter(works).map(Arc::clone);
            match there.map_or_else(|| Self::of(place, adapter).map(Arc::new), Ok) {
                Ok(device) => {
                    open.insert(Some(place), Arc::clone(&device));
                    open.insert(number, Arc::clone(&device));
                    return Ok(device);
                }
                Err(error) => drop(refused.get_or_insert(error)),
            }
        }
        Err(refused.unwrap_or(Error::None))
    }

    fn of(number: usize, adapter: &wgpu::Adapter) -> Result<Self> {
        let info = info(number, &adapter.get_info());
        let has = adapter.limits();
        // What every device has, and buffers as large as this one allows.
        let required_limits = wgpu::Limits {
            max_buffer_size: has.max_buffer_size,
            max_storage_buffer_binding_size: has.max_storage_buffer_binding_size,
            ..wgpu::Limits::downlevel_defaults()
        };
        let required_limits = wgpu::Limits {
            max_storage_buffers_per_shader_stage: 8,
            max_compute_workgroup_storage_size: 16_384,
            max_compute_invocations_per_workgroup: 256,
            max_compute_workgroup_size_x: 256,
            max_compute_workgroups_per_dimension: 65_535,
            ..required_limits
        };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("concertina"),
            required_limits,
            memory_hints: wgpu::MemoryHints::Performance,
            ..wgpu::DeviceDescriptor::default()
        };
        let cannot = |reason: String| Error::CannotOpen { device: info.name.clone(), reason };
        let (device, queue) =
            block_on(adapter.request_device(&descriptor)).map_err(|error| cannot(error.to_string()))?;
        let failure = Arc::new(Mutex::new(None));
        let note = |failure: &Arc<Mutex<Option<String>>>, reason: String| {
            lock(failure).get_or_insert(reason);
        };
        let kept = Arc::clone(&failure);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| note(&kept, error.to_string())));
        let kept = Arc::clone(&failure);
        device.set_device_lost_callback(move |_, message| note(&kept, message));
        Ok(Self { device, queue, info, failure, kernels: Mutex::default() })
    }

    /// What is known of it.
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// How many networks of a shape it can train together, as far as the sizes of its buffers tell. 0 if not
    /// even one.
    pub fn capacity(&self, shape: &Shape) -> usize {
        let limits = self.device.limits();
        let limit = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size) as usize;
        crate::sizes::Sizes::of(shape).capacity(limit)
    }

    /// Whether the device still works.
    ///
    /// # Errors
    /// [`Error::Lost`].
    pub fn check(&self) -> Result<()> {
        match &*lock(&self.failure) {
            None => Ok(()),
            Some(reason) => {
                let reason = if reason.is_empty() { "no reason was given" } else { reason }.to_owned();
                Err(Error::Lost { device: self.info.name.clone(), reason })
            }
        }
    }

    /// Allocates buffers for this many networks.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::Lost`].
    pub(crate) fn allocate<T>(&self, networks: usize, make: impl FnOnce(&wgpu::Device) -> T) -> Result<T> {
        let too_many = || Error::OutOfMemory { device: self.info.name.clone(), networks };
        if !faults::has_memory_for(networks) {
            return Err(too_many());
        }
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let made = make(&self.device);
        match block_on(scope.pop()) {
            Some(_) => Err(too_many()),
            None => self.check().map(|()| made),
        }
    }

    /// The kernels of a shape, compiled when they are first asked for.
    ///
    /// # Errors
    /// [`Error::Lost`] if the driver cannot compile them.
    pub(crate) fn kernels(&self, shape: &Shape) -> Result<Arc<Kernels>> {
        if let Some(kernels) = lock(&self.kernels).get(shape) {
            return Ok(Arc::clone(kernels));
        }
        let kernels = Arc::new(self.compile(shape));
        self.check()?;
        lock(&self.kernels).insert(shape.clone(), Arc::clone(&kernels));
        Ok(kernels)
    }

    fn compile(&self, shape: &Shape) -> Kernels {
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("network"),
            source: wgpu::ShaderSource::Wgsl(source(shape).into()),
        });
        let storage = |binding: u32, read_only: bool| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: if binding == 8 {
                    wgpu::BufferBindingType::Uniform
                } else {
                    wgpu::BufferBindingType::Storage { read_only }
                },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        };
        let entries: Vec<_> = (0..9).map(|binding| storage(binding, matches!(binding, 4 | 5 | 7))).collect();
        let layout = self
            .device
            .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(&layout)],
            ..wgpu::PipelineLayoutDescriptor::default()
        });
        let pipeline = |entry_point: &str| {
            self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(entry_point),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some(entry_point),
                compilation_options: wgpu::PipelineCompilationOptions {
                    zero_initialize_workgroup_memory: false,
                    ..wgpu::PipelineCompilationOptions::default()
                },
                cache: None,
            })
        };
        Kernels { train: pipeline("train"), evaluate: pipeline("evaluate"), layout }
    }

    /// Waits until the device has done everything that was submitted.
    pub(crate) fn wait(&self) -> Result<()> {
        if let Err(error) = self.device.poll(wgpu::PollType::wait_indefinitely()) {
            lock(&self.failure).get_or_insert(error.to_string());
        }
        self.check()
    }

    /// Notes that the device does not work.
    pub(crate) fn fail<T>(&self, reason: &str) -> Result<T> {
        let reason = lock(&self.failure).get_or_insert_with(|| reason.to_owned()).clone();
        Err(Error::Lost { device: self.info.name.clone(), reason })
    }

    /// Loses the device if a test asked for it.
    pub(crate) fn inject_faults(&self) {
        if faults::loses_now() {
            self.device.destroy();
        }
    }
}
