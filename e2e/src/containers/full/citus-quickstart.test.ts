import { whyNoContainers } from '@pgaf/testing/container-support';
import { citusImageOfCheckout, whyNoCitusInDocker } from '../image-of-checkout.js';
import { describePageInContainers } from '../page-in-containers.js';

const noCitus = whyNoCitusInDocker();
const image = noCitus === null ? await citusImageOfCheckout() : '';

describePageInContainers('citus-quickstart', image, noCitus ?? (await whyNoContainers(image)));
