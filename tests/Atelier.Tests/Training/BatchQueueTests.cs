using Atelier.Data;
using Atelier.Data.Text;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Training;

public sealed class BatchQueueTests
{
    [Fact]
    public void Batches_are_on_the_device_when_they_are_taken_and_those_on_the_CPU_are_gone()
    {
        var source = new Rows();
        using (var queue = new BatchQueue<TextBatch>(source, [0L, 1L, 2L], META)) // a device that every machine has
        {
            for (long number = 0; number < 3; number++)
            {
                TextBatch batch = queue.Take(number);
                batch.Inputs.device_type.ShouldBe(DeviceType.META);
                batch.Targets.device_type.ShouldBe(DeviceType.META);
                batch.Inputs.shape.ShouldBe([number + 1, 4]);
            }
        }
        source.Made.Count.ShouldBe(3);
        source.Made.ShouldAllBe(batch => batch.Inputs.IsInvalid && batch.Targets.IsInvalid);
    }

    [Fact]
    public void Batches_for_the_CPU_are_taken_as_they_were_made()
    {
        var source = new Rows();
        using var queue = new BatchQueue<TextBatch>(source, [0L], CPU);
        queue.Take(0).ShouldBeSameAs(source.Made[0]);
    }

    private sealed class Rows : IBatchSource<TextBatch>
    {
        public List<TextBatch> Made { get; } = [];

        public long BatchesPerEpoch => 3;

        public long ItemsPerBatch => 4;

        public TextBatch Get(long number)
        {
            Made.Add(new(zeros([number + 1, 4], ScalarType.Int64), ones([number + 1, 4], ScalarType.Int64)));
            return Made[^1];
        }
    }
}
