import { pgafImage, whyNoContainers } from '@pgaf/testing/container-support';
import { describePageInContainers } from '../page-in-containers.js';

describePageInContainers('three-nodes', pgafImage(), await whyNoContainers());
