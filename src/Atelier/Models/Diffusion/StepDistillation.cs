using Atelier.Data.Images;
using Atelier.Layers;
using Atelier.Models.Diffusion.Samplers;
using Atelier.Recipes;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.Diffusion;

/// <summary>
/// Teaches a network to go in one step where its teacher goes in several, guidance included, as progressive
/// distillation does (Salimans and Ho 2022, section 3; Meng et al. 2023, section 3.2). All steps are learned at once,
/// each from the images that the steps before it lead to, so that the model sees in training what it sees later.
/// </summary>
internal sealed class StepDistillation : IDisposable
{
    /// <summary>The sampler of the finished model.</summary>
    public const string Sampler = "ddim";

    private readonly DiffusionModel _teacher;
    private readonly bool _ownsTeacher = true;
    private readonly double _guidance;
    private readonly int _finer; // steps of the teacher for one of the student
    private readonly double[] _times;
    private readonly NoiseSchedule _schedule;
    private readonly Prediction _prediction;

    /// <summary>Creates the objective.</summary>
    /// <param name="teacher">The finished model; disposed with this.</param>
    /// <param name="defaults">Its steps and guidance.</param>
    /// <param name="student">The model that learns.</param>
    /// <exception cref="AtelierException">The one cannot learn from the other.</exception>
    public StepDistillation(DiffusionModel teacher, SamplingDefaults defaults, DiffusionModel student)
    {
        DiffusionConfig own = student.Config, config = teacher.Config;
        string? reason = !teacher.Shape.SequenceEqual(student.Shape) ? "has images of another size"
            : config.Conditional != own.Conditional ? "differs in model.conditional"
            : config.Conditional && !teacher.Schema.Classes.SequenceEqual(student.Schema.Classes) ? "has other classes"
            : config.DistilledSteps > 0 ? "is distilled itself"
            : teacher.Latents is not null || student.Latents is not null ? "works in latents"
            : config.Upscale > 1 || own.Upscale > 1 ? "enlarges images"
            : (config.Schedule, config.TimeShift) != (own.Schedule, own.TimeShift) ? "has another noise schedule"
            : null;
        if (reason is not null)
            throw new AtelierException($"the model cannot be a teacher: it {reason}", "training.teacher",
                "use a diffusion model of the same images");
        (_teacher, _guidance) = (teacher, defaults.Guidance);
        _finer = Math.Max(1, (int)Math.Round(defaults.Steps / (double)own.DistilledSteps));
        _schedule = new NoiseSchedule(own.Schedule, own.TimeShift);
        _prediction = new Prediction(own.Prediction, _schedule);
        _times = _schedule.Times(own.DistilledSteps * _finer);
    }

    private StepDistillation(StepDistillation other)
    {
        (_teacher, _ownsTeacher, _guidance, _finer) = (other._teacher, false, other._guidance, other._finer);
        (_times, _schedule, _prediction) = (other._times, other._schedule, other._prediction);
    }

    /// <summary>The same for a replica, which does not dispose the teacher.</summary>
    public StepDistillation ForReplica() => new(this);

    /// <summary>Returns whether a model has the layers of the teacher, so that it can begin with its weights.</summary>
    public bool HasShapeOf(DiffusionModel model)
    {
        static IEnumerable<(string, string)> Shapes(nn.Module module) =>
            module.named_parameters().Select(p => (p.name, string.Join(',', p.parameter.shape)));
        return model.Config.Prediction == _teacher.Config.Prediction && Shapes(model).SequenceEqual(Shapes(_teacher));
    }

    /// <summary>
    /// The mean squared error of where each step leads, divided by the length of the step: for a flow, the error of the
    /// velocity. A scalar in fp32.
    /// </summary>
    /// <param name="network">The network that learns.</param>
    /// <param name="batch">Images, of which only number and classes matter.</param>
    /// <param name="random">Draws the noise; null for the generator of the training step.</param>
    public Tensor Loss(DenoisingNetwork network, ImageBatch batch, Generator? random)
    {
        if (_teacher.Network.parameters().First().device_type != batch.Images.device_type)
            _teacher.to(batch.Images.device);
        Tensor? labels = _teacher.IsConditional ? batch.Labels : null;
        Tensor x = empty_like(batch.Images).FillNormal(random);
        int steps = (_times.Length - 1) / _finer;
        Tensor sum = zeros([], device: x.device);
        for (int step = 0; step < steps; step++)
        {
            double t = _times[step * _finer], s = _times[(step + 1) * _finer];
            Tensor target = Teacher(x, step, labels);
            Tensor next = DiffusionSamplers.Find(Sampler).Sample(Student, _schedule, [t, s], x, random!);
            sum = sum.Plus(F.mse_loss(next, target).Times(1 / ((t - s) * (t - s) * steps)));
            x = next.detach();
        }
        return sum;

        DenoiserOutput Student(Tensor at, double t)
        {
            Tensor times = KeptScalars.Full([at.shape[0]], t, ScalarType.Float32, at.device);
            return _prediction.Output(at, network.Predict(at, times, labels), t);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsTeacher)
            _teacher.Dispose();
    }

    /// <summary>Where the teacher leads by Heun's method in its own steps.</summary>
    private Tensor Teacher(Tensor x, int step, Tensor? labels)
    {
        using var gradients = no_grad();
        double[] times = _times[(step * _finer)..(((step + 1) * _finer) + 1)];
        return new HeunSampler().Sample((at, t) => _teacher.Pipeline.Denoise(at, t, null, labels, _guidance),
            _schedule, times, x, null!);
    }
}
